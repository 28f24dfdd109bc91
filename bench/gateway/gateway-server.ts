import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig } from '../../src/config/load-config.ts'
import { createGateway } from '../../src/gateway.ts'
import { serveUntilTerm } from '../http/serve-until-term.ts'

/** A whole gateway; the first argument is its configuration as JSON, without `dataDir` and ports. */
const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-gateway-'))
const settings = JSON.parse(process.argv[2] ?? '{}') as object
const file = join(directory, 'sluice.yaml')
await writeFile(
  file,
  JSON.stringify({ dataDir: join(directory, 'data'), http: { port: 0 }, mqtt: { enabled: false }, ...settings }),
)

const gateway = createGateway(loadConfig(file, { environment: process.env }), {
  logger: pino({ level: 'silent' }),
  version: 'bench',
  onFatal: error => {
    console.error(error)
    process.exit(1)
  },
})
const { http } = await gateway.start()
let taken = 0
serveUntilTerm(
  Number(new URL(http).port),
  () => taken,
  async () => {
    const { items } = (await (await fetch(`${http}/v1/functions`)).json()) as {
      items: { running: { succeeded: number }[] }[]
    }
    taken = items.flatMap(({ running }) => running).reduce((sum, { succeeded }) => sum + succeeded, 0)
    await gateway.stop({ drainMs: 10_000, reason: 'bench' })
    await rm(directory, { recursive: true, force: true })
  },
)
