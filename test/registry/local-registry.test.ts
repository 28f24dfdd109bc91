import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { openLocalRegistry, type LocalRegistryOptions } from '../../src/registry/local-registry.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { seededRandom } from '../log/embedded/log-directory.ts'
import { definitionOf, publish, putFunction, temporaryDirectory, textOf } from './registry-fixtures.ts'

async function freshDirectory(): Promise<string> {
  const directory = await temporaryDirectory()
  onTestFinished(() => directory[Symbol.asyncDispose]())
  return join(directory.path, 'registry')
}

async function open(dir: string, options: Partial<LocalRegistryOptions> = {}): Promise<Registry> {
  const registry = await openLocalRegistry({ dir, onFatal: fail, ...options })
  onTestFinished(() => registry.close())
  return registry
}

function fail(error: SluiceError): void {
  throw error
}

async function segments(dir: string): Promise<string[]> {
  return (await readdir(join(dir, 'log'))).filter(name => name.endsWith('.segment')).sort()
}

/** A change of some kilobytes, so that files of the log fill up. */
const large = (name: string, seed: number) =>
  putFunction(name, seed, { definition: definitionOf({ environment: { TEXT: 'x'.repeat(2_000) } }) })

describe('a local registry', () => {
  it('is afterwards what it was before, with and without a clean stop', async () => {
    const dir = await freshDirectory()
    const registry = await open(dir)
    await registry.transact('api', () => [putFunction('price'), publish('price', 1)])
    const state = await registry.transact('api', () => [putFunction('price', 2)])
    const copy = `${dir}-copy`
    await cp(dir, copy, { recursive: true })
    await registry.close()
    expect(textOf((await open(dir)).state)).toBe(textOf(state))
    expect(textOf((await open(copy)).state)).toBe(textOf(state))
    expect(await readdir(join(dir, 'snapshots'))).toHaveLength(1)
    expect(await readdir(join(copy, 'snapshots'))).toHaveLength(0)
  })

  it('lets go of the commands that both of its snapshots cover, and of no other', async () => {
    const dir = await freshDirectory()
    const sizes = { segmentBytes: 20_000, snapshotCommands: 20, historyMs: 0 }
    const registry = await open(dir, sizes)
    for (let i = 0; i < 100; i++) await registry.transact('api', () => [large(`f-${i % 7}`, i)])
    const { state } = registry
    await registry.close()
    const names = await segments(dir)
    expect(Number(names[0]?.slice(0, 16))).toBeGreaterThan(40)
    expect(names.length).toBeLessThan(8)
    const again = await open(dir, sizes)
    expect(textOf(again.state)).toBe(textOf(state))
    await again.close()
    // The newest snapshot may be lost: the one before, and the log from there on, say the same.
    const [, newest = ''] = (await readdir(join(dir, 'snapshots'))).sort()
    await writeFile(join(dir, 'snapshots', newest), 'damaged')
    const warnings: string[] = []
    const fallback = await open(dir, { ...sizes, onWarning: text => warnings.push(text) })
    expect(textOf(fallback.state)).toBe(textOf(state))
    expect(warnings).toEqual([expect.stringContaining(`${newest} is damaged`)])
    await fallback.close()
    // Both cannot: the commands are gone.
    for (const name of await readdir(join(dir, 'snapshots'))) await writeFile(join(dir, 'snapshots', name), 'damaged')
    await expect(open(dir, sizes)).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_CORRUPT' })
  })

  it('never opens with another state after a byte of its log was flipped', async () => {
    const dir = await freshDirectory()
    const registry = await open(dir)
    for (let i = 0; i < 6; i++) await registry.transact('api', () => [putFunction('price', i), publish('price', i + 1)])
    const expected = textOf(registry.state)
    const crashed = `${dir}-crashed`
    await cp(dir, crashed, { recursive: true })
    await registry.close()
    const [segment = ''] = await segments(crashed)
    const whole = await readFile(join(crashed, 'log', segment))
    const random = seededRandom(20_261_125)
    const head = 16
    for (let flip = 0; flip < 100; flip++) {
      const at = head + Math.floor(random() * (whole.length - head))
      const flipped = Buffer.from(whole)
      flipped[at] = flipped[at]! ^ (1 << Math.floor(random() * 8))
      const place = `${dir}-${flip}`
      await cp(crashed, place, { recursive: true })
      await writeFile(join(place, 'log', segment), flipped)
      // Refused at every start, not at the first one only: the tail of the log was cut when it was looked at.
      for (let start = 0; start < 2; start++)
        await expect(open(place), `byte ${at}`).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_CORRUPT' })
      await rename(join(place, 'log', 'corrupt'), join(place, 'log', 'corrupt-accepted'))
      const accepted = await open(place).catch((error: unknown) => error)
      if (accepted instanceof SluiceError) expect(accepted.code).toBe('SLUICE_REGISTRY_CORRUPT')
      else if (textOf((accepted as Registry).state) !== expected)
        // Only the last command can be lost without a gap.
        expect((accepted as Registry).state.position, `byte ${at}`).toBe(5)
      await (accepted as Registry).close?.()
      await rm(place, { recursive: true })
    }
  })

  it('says where it is damaged and what to do', async () => {
    const dir = await freshDirectory()
    const registry = await open(dir)
    for (let i = 0; i < 3; i++) await registry.transact('api', () => [putFunction(`f-${i}`)])
    await registry.close()
    const [segment = ''] = await segments(dir)
    const path = join(dir, 'log', segment)
    const bytes = await readFile(path)
    bytes[bytes.indexOf('f-1')] = 0
    await writeFile(path, bytes)
    await expect(open(dir)).rejects.toThrow(
      /the command log of the registry in .*log is damaged at .*\.segment-\d+\.bin; restore the registry from a backup\. To go on .* rename .*corrupt to corrupt-accepted/,
    )
    // The snapshot has what the damaged command did.
    await rename(join(dir, 'log', 'corrupt'), join(dir, 'log', 'corrupt-accepted'))
    expect([...(await open(dir)).state.functions.keys()]).toEqual(['f-0', 'f-1', 'f-2'])
  })

  it('refuses a log that lost what a snapshot covers', async () => {
    const dir = await freshDirectory()
    const registry = await open(dir)
    await registry.transact('api', () => [putFunction('price')])
    await registry.close()
    await rm(join(dir, 'log'), { recursive: true })
    await expect(open(dir)).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_CORRUPT' })
  })

  it('does not mistake a log file that a crash cut off at its beginning for damage', async () => {
    const dir = await freshDirectory()
    const registry = await open(dir)
    const state = await registry.transact('api', () => [putFunction('price')])
    await registry.close()
    const [segment = ''] = await segments(dir)
    const begun = segment.replace(/^\d+/, digits => String(Number(digits) + 1_000).padStart(16, '0'))
    await writeFile(join(dir, 'log', begun), (await readFile(join(dir, 'log', segment))).subarray(0, 40))
    expect(textOf((await open(dir)).state)).toBe(textOf(state))
  })
})
