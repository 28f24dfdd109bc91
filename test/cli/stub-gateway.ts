import { createServer } from 'node:http'
import { loadConfig } from '../../src/config/load-config.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { runGateway, type CreateGateway } from '../../src/run-gateway.ts'

// A process that runs a gateway without parts; the test says by its arguments how it behaves: file, start, stop.
const [file = '', start = 'ready', stop = 'drained'] = process.argv.slice(2)

const createGateway: CreateGateway = (_config, { onFatal }) => {
  const server = createServer()
  return {
    start: async () => {
      if (start === 'locked') throw new SluiceError('SLUICE_LOG_LOCKED', 'the data directory is in use by process 1')
      if (start === 'bug') throw new TypeError('x is undefined')
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      if (start === 'slow') {
        process.stdout.write('starting slowly\n')
        await new Promise(() => undefined)
      }
      if (start === 'fatal') setImmediate(() => onFatal(new SluiceError('SLUICE_LOG_WRITE_FAILED', 'fdatasync: EIO')))
      if (start === 'throws') setImmediate(() => { throw new Error('nobody catches this') }) // prettier-ignore
      return { http: 'http://127.0.0.1:1' }
    },
    stop: async ({ reason }) => {
      process.stdout.write(`stopping because of ${reason}\n`)
      if (stop === 'hangs') await new Promise(() => undefined)
      server.close()
      return { drained: stop === 'drained' }
    },
  }
}

process.exitCode = await runGateway(loadConfig(file), '1.2.3', createGateway)
