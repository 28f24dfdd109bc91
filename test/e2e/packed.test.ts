import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startNodeScript, type NodeProcess } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'

const run = promisify(execFile)
const repository = resolve(import.meta.dirname, '../..')

let directory: string
let url: string
let gateway: NodeProcess

/** The launcher as it is installed. */
const launcher = () => join(directory, 'node_modules/sluice-gateway/bin/sluice.js')

/** Runs the installed command with this Node, away from the repository. */
async function sluice(cwd: string, ...args: readonly string[]): Promise<string> {
  const env = { PATH: dirname(process.execPath), SLUICE_URL: url }
  const { stdout } = await run(process.execPath, [launcher(), ...args], { cwd, env })
  return stdout
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-packed-'))
  await run('npm', ['pack', '--pack-destination', directory], { cwd: repository })
  const [tarball = ''] = (await readdir(directory)).filter(name => name.endsWith('.tgz'))
  await writeFile(join(directory, 'package.json'), '{ "private": true }')
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', ['install', ...flags, `./${tarball}`], { cwd: directory })
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  await writeFile(
    join(directory, 'gateway.yaml'),
    `dataDir: data\nhttp: { port: ${port} }\nmqtt: { enabled: false }\nsources: { hooks: { type: http, path: /hooks } }\n`,
  )
  const args = ['start', '--config', join(directory, 'gateway.yaml')]
  gateway = startNodeScript({ script: launcher(), args, env: { KAFKA_BROKERS: undefined } })
  await gateway.waitForLine(/^Sluice \S+ is ready\.$/)
}, 240_000)

afterAll(async () => {
  await gateway?.kill()
  await rm(directory, { recursive: true, force: true })
})

describe('the packed tarball, installed with install scripts off', () => {
  it('makes a project, deploys it and runs it', async () => {
    await sluice(directory, 'init', 'hot')
    const project = join(directory, 'hot')
    expect(await sluice(project, 'deploy', '--publish', '--alias', 'live')).toContain('Published hot@1')
    const invoked = await sluice(
      project,
      ...['invoke', 'hot@live', '--file', 'event.json', '--content-type', 'application/cloudevents+json'],
    )
    expect(JSON.parse(invoked)).toMatchObject({ device: expect.any(String) as string })
    const functions = JSON.parse(await sluice(project, 'functions', '--json')) as unknown
    expect(functions).toMatchObject([{ name: 'hot', lastVersion: 1, aliases: [{ name: 'live' }] }])
  })

  it('has types for functions', async () => {
    const types = await readdir(join(directory, 'node_modules/sluice-gateway/dist'))
    expect(types).toContain('index.d.ts')
  })
})
