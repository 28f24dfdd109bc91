import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Value from 'typebox/value'
import { httpListenerSchema, type HttpListenerConfig } from '../../src/config/sections/http-listener.ts'
import { httpSourceSchema, type HttpSourceConfig } from '../../src/config/sections/http-source.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { createHttpListener } from '../../src/sources/http/http-listener.ts'
import { HttpSource } from '../../src/sources/http/http-source.ts'
import { StreamTaker } from '../../src/sources/http/stream-taker.ts'
import { createStreamIntake } from '../../src/sources/stream-intake.ts'
import { serveUntilTerm } from './serve-until-term.ts'

/** A listener, one source and its embedded log; the first argument is the source's configuration as JSON. */
const settings = JSON.parse(process.argv[2] ?? '{}') as object
const config = Value.Default(httpSourceSchema, { type: 'http', path: '/hook', ...settings }) as HttpSourceConfig
const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-log-'))
const log = await openEmbeddedLog({ directory: join(directory, 'hook'), stream: 'hook', partitionCount: 16 })
const listener = createHttpListener({
  config: Value.Default(httpListenerSchema, { port: 0 }) as HttpListenerConfig,
})
const dedupe =
  config.deduplicate === undefined && config.verify === undefined
    ? {}
    : { dedupe: { windowMs: 600_000, maxEntries: 1_000_000 } }
const intake = createStreamIntake({ log, ...dedupe })
const source = new HttpSource({ name: 'hook', config, routes: listener.routes, taker: new StreamTaker(intake) })
await source.start()
await listener.start()

/** What lies in the log, not what was answered: an answer without an event would be a fast one. */
let taken = 0
serveUntilTerm(
  listener.port!,
  () => taken,
  async () => {
    await source.stop()
    await listener.stop()
    taken = (await log.ends()).reduce((sum, { end }) => sum + end, 0)
    await log.close()
    await rm(directory, { recursive: true, force: true })
  },
)
