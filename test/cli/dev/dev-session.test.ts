import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApiClient } from '../../../src/cli/api-client.ts'
import type { DevScreen } from '../../../src/cli/dev/dev-screen.ts'
import { DevSession } from '../../../src/cli/dev/dev-session.ts'
import { defaultDefinition, defaultTrigger } from '../../../src/cli/manifest/default-definition.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { createProjectFolder, type ProjectFolder } from '../project-folder.ts'

let gateway: MemoryGateway
let project: ProjectFolder
const name = 'dev-ada-price'
const notes: string[] = []

/** Remembers what was told, and whoever waits for it. */
function createScreen(): DevScreen {
  notes.length = 0
  const note = (text: string): void => void notes.push(text)
  return {
    built: () => note('built'),
    running: () => note('running'),
    line: () => undefined,
    failed: ({ message }) => note(`failed: ${message}`),
    status: () => undefined,
    end: () => undefined,
    note,
    problem: note,
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve))
}

let stop: AbortController
let ended: Promise<void>
beforeEach(async () => {
  gateway = await startMemoryGateway()
  project = createProjectFolder()
  stop = new AbortController()
  const session = new DevSession(createApiClient({ url: gateway.url }), createScreen(), {
    name,
    input: { entry: project.file('price.ts', 'export default () => 1'), directory: project.path, files: [] },
    watchedFiles: [],
    readDefinition: defaultDefinition,
    trigger: { ...defaultTrigger(), stream: 'orders', function: name, start: 'latest' },
    level: undefined,
    leaseMs: 1_000,
  })
  ended = session.run(stop.signal)
  await until(() => notes.includes('running'))
})
afterEach(async () => {
  stop.abort()
  await ended
  project.remove()
  await gateway.close()
})

const leases = () => gateway.requests.filter(({ line }) => line === 'POST /v1/leases')
const expiry = () => gateway.state.triggers.get(name)?.expiresAtMs ?? 0

describe('a dev session', () => {
  it('renews its lease on both before it ends', async () => {
    const first = expiry()
    await until(() => expiry() > first)
    expect(leases()[0]?.body).toEqual({ function: name, trigger: name, expiresAfterMs: 1_000 })
  })

  it('makes again what has expired, and goes on following', async () => {
    gateway.change({ kind: 'delete-trigger', name }, { kind: 'delete-function', name })
    await until(() => gateway.state.triggers.has(name))
    expect(gateway.state.functions.get(name)?.expiresAtMs).toBeGreaterThan(Date.now())
    expect(notes).toContain(`${name} had expired: it is made again`)
  })

  it('sends what was saved while the gateway was away', async () => {
    let isAway = true
    gateway.onRequest = ({ line }) => {
      if (isAway && line.startsWith('PUT')) {
        isAway = false
        gateway.app.server.closeAllConnections()
      }
    }
    project.file('price.ts', 'export default () => 2')
    await until(() => gateway.writes.filter(({ line }) => line === `PUT /v1/functions/${name}`).length > 2)
    await until(() => notes.filter(text => text === 'built').length > 1)
    expect(notes.some(text => text.startsWith('no gateway at'))).toBe(true)
  })

  it('tells what failed, once', async () => {
    await until(() => notes.includes('failed: too hot'))
    const polls = () => gateway.requests.filter(({ line }) => line.includes('/dead-letters')).length
    const before = polls()
    await until(() => polls() > before + 1)
    expect(notes.filter(text => text === 'failed: too hot')).toHaveLength(1)
  })

  it('says so when it could not delete what it made', async () => {
    await gateway.close()
    stop.abort()
    await ended
    expect(notes.at(-1)).toBe(`${name} could not be deleted; it expires by itself within 1 s`)
    gateway = await startMemoryGateway()
  })
})
