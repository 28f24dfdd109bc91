import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProcess, startProcess } from './cli/run-process.ts'

let dir: string
let file: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-run-'))
  file = join(dir, 'gateway.yaml')
  writeFileSync(file, 'shutdown: { drainMs: 0 }\n')
})
afterAll(() => rmSync(dir, { recursive: true }))

const stub = 'test/cli/stub-gateway.ts'

describe('runGateway', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('drains at the first %s and exits with 0', async signal => {
    const running = startProcess(stub, [file])
    await running.printed('Sluice 1.2.3 is ready.')
    running.child.kill(signal)
    const { code, stdout } = await running.ended
    expect(stdout).toContain(`stopping because of ${signal}`)
    expect(stdout).toContain('all accepted work is finished')
    expect(code).toBe(0)
  })

  it('ends at once at the second signal', async () => {
    const running = startProcess(stub, [file, 'ready', 'hangs'])
    await running.printed('is ready')
    running.child.kill('SIGTERM')
    await running.printed('stopping because')
    running.child.kill('SIGINT')
    const { code, stdout } = await running.ended
    expect(stdout).toContain('SIGINT again: ending at once')
    expect(code).toBe(1)
  })

  it('ends a stop that hangs after its limit', async () => {
    const running = startProcess(stub, [file, 'ready', 'hangs'])
    await running.printed('is ready')
    running.child.kill('SIGTERM')
    expect(await running.ended).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('longer than its limit') as string,
    })
  })

  it('stops a gateway that is still starting', async () => {
    const running = startProcess(stub, [file, 'slow'])
    await running.printed('starting slowly')
    running.child.kill('SIGTERM')
    expect(await running.ended).toMatchObject({ code: 0, stdout: expect.not.stringContaining('is ready') as string })
  })

  it('tells that work was cut off', async () => {
    const running = startProcess(stub, [file, 'ready', 'cut'])
    await running.printed('is ready')
    running.child.kill('SIGTERM')
    expect(await running.ended).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('runs again at the next start') as string,
    })
  })

  it('says why it could not start, without a stack', async () => {
    const { code, stderr } = await runProcess(stub, [file, 'locked'])
    expect([code, stderr]).toEqual([1, 'sluice: the data directory is in use by process 1\n'])
    expect((await runProcess(stub, [file, 'bug'])).code).toBe(1)
  })

  it('stops by itself, with 1, when it cannot go on', async () => {
    const { code, stdout } = await runProcess(stub, [file, 'fatal'])
    expect(stdout).toContain('stopping because of fdatasync: EIO')
    expect(code).toBe(1)
  })

  it('ends with 1 after an error that nobody handled', async () => {
    const { code, stdout } = await runProcess(stub, [file, 'throws'])
    expect(stdout).toContain('nobody catches this')
    expect(code).toBe(1)
  })
})
