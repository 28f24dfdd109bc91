/**
 * Makes docs/pictures/first-minutes.svg: the first minutes with Sluice, as they really run: `npm run pictures`. Each command is run
 * as it is shown, against a gateway of its own; only paths and ports are those of a user.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { startNodeScript } from '../test/support/child-process.ts'
import { prepareGateway } from '../test/e2e/gateway-process.ts'
import { terminalPicture, type Step } from './session/terminal-picture.ts'

const launcher = resolve(import.meta.dirname, '../bin/sluice.js')
const target = resolve(import.meta.dirname, '../docs/pictures/first-minutes.svg')
const directory = mkdtempSync(join(tmpdir(), 'sluice-session-'))

const gateway = await prepareGateway({
  config: {
    streams: { telemetry: { partitions: 16 } },
    sources: {
      devices: {
        type: 'http',
        path: '/telemetry',
        stream: 'telemetry',
        mapping: { type: 'com.example.telemetry', partitionkey: { pointer: '/device' } },
      },
    },
  },
})
const steps: Step[] = []
/** What a user would see: default port, their own directory. */
const shown = (text: string): string =>
  text
    .replaceAll(gateway.url, 'http://127.0.0.1:8080')
    .replaceAll(`${directory}/`, '')
    .replaceAll(directory, '.')
    .replaceAll(gateway.directory, '.')

/** Runs `npx sluice …` in the directory of the session. */
async function sluice(command: string, ...args: readonly string[]): Promise<string> {
  const words = args.length > 0 ? args : command.split(' ')
  const child = startNodeScript({
    script: launcher,
    args: words,
    cwd: directory,
    env: { SLUICE_URL: gateway.url, FORCE_COLOR: '1', COLUMNS: '110' },
  })
  const { code } = await child.exited
  const output = shown([...child.stdout, ...child.stderr].join('\n'))
  if (code !== 0) throw new Error(`sluice ${command}: ${output}`)
  steps.push({ command: `npx sluice ${command}`, output })
  console.log(stripVTControlCharacters(`$ npx sluice ${command}\n${output}\n`))
  return stripVTControlCharacters(output)
}

async function send(device: string, temperature: number): Promise<void> {
  const { status, body } = await gateway.post('/telemetry', { device, temperature })
  const command = `curl -i http://127.0.0.1:8080/telemetry -H 'content-type: application/json' -d '{"device":"${device}","temperature":${temperature}}'`
  if (status !== 202) throw new Error(`${status}: ${body}`)
  steps.push({ command, output: `HTTP/1.1 202 Accepted\n${body}` })
}

try {
  await gateway.start()
  const banner = gateway.process.stdout.slice(gateway.process.stdout.findIndex(line => line.startsWith('Sluice')))
  steps.push({
    command: 'npm start',
    output: shown(
      banner
        .filter(line => !line.includes('MQTT'))
        .slice(0, 4)
        .join('\n'),
    ),
  })
  await sluice('init hot')
  await sluice('deploy --manifest hot/sluice.yaml')
  await sluice('publish hot -m first')
  await sluice('alias hot live 1')
  await sluice('triggers create hot --stream telemetry --function hot@live')
  await send('d-7', 93)
  await gateway.until('the event is done', async () => (await gateway.trigger('hot')).succeeded > 0)
  await sluice('triggers')
  await sluice('trace --key d-7')
  await sluice('scaling')
  writeFileSync(target, terminalPicture(steps))
  console.log('docs/pictures/first-minutes.svg')
} finally {
  await gateway.dispose()
  rmSync(directory, { recursive: true, force: true })
}
