import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findProgram } from './find-program.ts'
import { describeWith } from './real-parts.ts'
import { missingPartFiles, noteMissingPart } from './run-directory.ts'
import { whyMissing } from './why-missing.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-parts-'))
  vi.stubEnv('SLUICE_KAFKA_HOME', join(directory, 'no-jars'))
  vi.stubEnv('KAFKA_BROKERS', '')
  vi.stubEnv('JAVA_HOME', '')
  vi.stubEnv('CHROMIUM_PATH', '')
  // Only what the test puts there can be found, besides the shell.
  vi.stubEnv('PATH', `${directory}:/bin`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true, force: true })
})

async function install(name: string, script = ''): Promise<void> {
  await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(directory, name), 0o755)
}

const java = (version: string): Promise<void> => install('java', `echo 'openjdk version "${version}"' >&2`)

describe('whyMissing', () => {
  beforeEach(() => vi.stubEnv('PATH', directory))

  it('names the program and what installs it, in one line', () => {
    expect(whyMissing('strace')).toBe('strace is not installed; apt-get install strace')
    expect(whyMissing('mvn')).toBe('mvn is not installed; apt-get install maven')
    expect(whyMissing('chromium')).toContain('CHROMIUM_PATH')
  })

  it('is content with a program on the path', async () => {
    await install('kcat')
    expect(whyMissing('kcat')).toBeUndefined()
    expect(findProgram('kcat')).toBe(join(directory, 'kcat'))
  })

  it('takes the browser that CHROMIUM_PATH names', async () => {
    await install('my-browser')
    vi.stubEnv('CHROMIUM_PATH', join(directory, 'my-browser'))
    expect(whyMissing('chromium')).toBeUndefined()
  })
})

describe('whyMissing of Kafka', () => {
  it('is content with an external broker', () => {
    vi.stubEnv('KAFKA_BROKERS', 'localhost:9092')
    expect(whyMissing('kafka')).toBeUndefined()
  })

  it('asks for a newer Java', async () => {
    await java('11.0.2')
    expect(whyMissing('java')).toContain('java is version 11, Kafka 4 needs 17')
    expect(whyMissing('kafka')).toContain('openjdk-17-jre-headless, or set KAFKA_BROKERS=host:port')
  })

  it('asks for Maven only as long as the jars are not here', async () => {
    await java('17.0.15')
    await install('mvn')
    expect(whyMissing('kafka')).toBeUndefined()
  })
})

describe('describeWith', () => {
  it('fails the file when CI is set and a part is missing', () => {
    vi.stubEnv('CI', 'true')
    vi.stubEnv('PATH', directory)
    const suite = vi.fn()
    expect(() => describeWith(['strace'], 'traced', suite)).toThrow(/"traced" needs strace: .*apt-get install strace/)
    expect(suite).not.toHaveBeenCalled()
  })
})

describe('the summary of what was skipped', () => {
  it('is one line for each part, however many files miss it', () => {
    vi.stubEnv('SLUICE_TEST_RUN', directory)
    expect(noteMissingPart('strace', 'strace: why')).toBe(true)
    expect(noteMissingPart('strace', 'strace: why')).toBe(true)
    expect(missingPartFiles(directory)).toHaveLength(1)
    vi.stubEnv('SLUICE_TEST_RUN', undefined)
    expect(noteMissingPart('strace', 'strace: why')).toBe(false)
  })
})
