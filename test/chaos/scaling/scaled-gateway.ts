import { setTimeout as delay } from 'node:timers/promises'
import type { ScaledVersionView, ScalingView } from '../../../src/api/views/scaling-view.ts'
import { startGateway, type GatewayProcess } from '../../e2e/gateway-process.ts'
import { functionFile } from '../process/trial.ts'

type Json = Record<string, unknown>

/** A function of such a gateway: what it runs, and its definition. */
export interface ScaledFunction {
  /** In the folder of the functions of these experiments. */
  readonly file: string
  readonly definition?: Json
}

/** A gateway with a source, a stream and a trigger of its own for each function, all of the function's name. */
export function startScaledGateway(functions: Readonly<Record<string, ScaledFunction>>): Promise<GatewayProcess> {
  const each = (make: (name: string, fn: ScaledFunction) => Json): Json =>
    Object.fromEntries(Object.entries(functions).map(([name, fn]) => [name, make(name, fn)]))
  return startGateway({
    config: {
      streams: each(() => ({ partitions: 4 })),
      sources: each(name => ({
        type: 'http',
        path: pathOf(name),
        stream: name,
        mapping: { partitionkey: { pointer: '/key' } },
      })),
      functions: each((_name, { file, definition }) => ({ file: functionFile(file), ...definition })),
      triggers: each(name => ({ stream: name, function: name })),
    },
  })
}

export const pathOf = (name: string): string => `/in/${name}`

export function scalingOf(gateway: GatewayProcess, name?: string): Promise<ScalingView> {
  return gateway.get<ScalingView>(`/v1/scaling?limit=1000${name === undefined ? '' : `&function=${name}`}`)
}

export async function versionOf(gateway: GatewayProcess, name: string): Promise<ScaledVersionView> {
  const [version] = (await scalingOf(gateway, name)).versions
  if (version === undefined) throw new Error(`nothing uses ${name}`)
  return version
}

/** Resolves when all that a trigger was given is done. */
export async function untilDone(gateway: GatewayProcess, name: string, timeoutMs = 120_000): Promise<void> {
  const isDone = async (): Promise<boolean> => {
    const { lag, inFlight } = await gateway.trigger(name)
    return lag === 0 && inFlight === 0
  }
  await gateway.until(`${name} done`, isDone, timeoutMs)
}

/** One look at a version. */
export interface Look {
  /** Since the watch began. */
  readonly atMs: number
  readonly version: ScaledVersionView
}

/** Looks at a version again and again until the work has ended. */
export async function watchVersion(
  gateway: GatewayProcess,
  name: string,
  work: Promise<unknown>,
): Promise<readonly Look[]> {
  const looks: Look[] = []
  const startedMs = performance.now()
  let isOver = false
  const ended = work.finally(() => (isOver = true))
  // Told of when it is awaited.
  ended.catch(() => undefined)
  while (!isOver) {
    looks.push({ atMs: performance.now() - startedMs, version: await versionOf(gateway, name) })
    await delay(20)
  }
  await ended
  return looks
}
