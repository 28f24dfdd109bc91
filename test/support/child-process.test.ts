import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NodeProcess, startNodeScript } from './child-process.ts'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-child-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function start(source: string, env: Record<string, string | undefined> = {}): Promise<NodeProcess> {
  const script = join(directory, 'script.ts')
  await writeFile(script, source)
  return startNodeScript({ script, env, cwd: directory })
}

const WAITS = "console.log('ready on 4711'); setInterval(() => {}, 1000)"

describe('startNodeScript', () => {
  it('runs TypeScript on the Node of the tests and finds lines printed before and after the wait', async () => {
    const child = await start(
      'const version: string = process.version; console.log(version); console.error("and this")',
    )
    await child.waitForLine(/^and this$/)
    const match = await child.waitForLine(/^v(\d+)/)
    expect(match[0]).toBe(process.version.slice(0, match[0].length))
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(child.stdout).toEqual([process.version])
    expect(child.stderr).toEqual(['and this'])
    expect(child.lines).toHaveLength(2)
  })

  it('rejects a wait as soon as the process ends, with what it printed', async () => {
    const child = await start('console.log("no port for me"); process.exitCode = 2')
    await expect(child.waitForLine(/ready/)).rejects.toThrow(/exit code 2.*\nno port for me/)
    await expect(child.waitForLine(/ready/)).rejects.toThrow(/has ended/)
  })

  it('rejects a wait that takes too long', async () => {
    const child = await start(WAITS)
    await child.waitForLine(/ready/)
    await expect(child.waitForLine(/never/, { timeoutMs: 10 })).rejects.toThrow('not within 10 ms')
    await child.kill()
  })

  it('looks only at new lines if told so', async () => {
    const child = await start(
      "process.on('SIGUSR2', () => console.log('b')); console.log('a'); setInterval(() => {}, 1000)",
    )
    await child.waitForLine(/a/)
    const again = child.waitForLine(/[ab]/, { fromIndex: child.lines.length })
    child.signal('SIGUSR2')
    expect((await again)[0]).toBe('b')
    await child.kill()
  })

  it('stops in an orderly way, and with force what does not react', async () => {
    const orderly = await start(`process.on('SIGTERM', () => process.exit(7)); ${WAITS}`)
    await orderly.waitForLine(/ready/)
    expect(await orderly.stop()).toEqual({ code: 7, signal: null })
    expect(orderly.exit).toEqual({ code: 7, signal: null })

    const deaf = await start(`process.on('SIGTERM', () => {}); ${WAITS}`)
    await deaf.waitForLine(/ready/)
    expect(await deaf.stop(50)).toEqual({ code: null, signal: 'SIGKILL' })
    expect(deaf.signal('SIGTERM')).toBe(false)
  })

  it('hands over variables and hides those of the test runner', async () => {
    const child = await start('console.log(`${process.env.MINE} ${process.env.HOME} ${process.env.VITEST}`)', {
      MINE: 'yes',
      HOME: undefined,
    })
    await child.exited
    expect(child.stdout).toEqual(['yes undefined undefined'])
  })

  it('ends with the process that started it, even when that one is killed', async () => {
    const support = JSON.stringify(join(import.meta.dirname, 'child-process.ts'))
    const inner = join(directory, 'inner.ts')
    await writeFile(inner, WAITS)
    const outer = await start(`
      import { startNodeScript } from ${support}
      const child = startNodeScript({ script: ${JSON.stringify(inner)} })
      await child.waitForLine(/ready/)
      console.log('inner ' + child.pid)
    `)
    const pid = Number((await outer.waitForLine(/inner (\d+)/))[1])
    expect(isAlive(pid)).toBe(true)
    await outer.kill()
    await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
