import { closeSync, openSync, writeSync } from 'node:fs'
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'

/**
 * A process that appends with 256 appenders until it is killed. It writes each acknowledged record to a ledger outside
 * of the log, after the acknowledgement: `partition offset value`.
 */
const [directory, ledgerPath, cycle] = process.argv.slice(2) as [string, string, string]
const ledger = openSync(ledgerPath, 'a')
const log = await openEmbeddedLog({ directory, stream: 'events', partitionCount: 4, segmentBytes: 300_000 })
let next = 0
let isStopped = false

async function appender(index: number): Promise<void> {
  const partition = index % 4
  while (!isStopped) {
    const value = `${cycle}-${next++}-${'x'.repeat(next % 300)}`
    const offset = await log.append(partition, [
      { key: Buffer.from(`k${index}`), header: Buffer.from('h'), value: Buffer.from(value) },
    ])
    writeSync(ledger, `${partition} ${offset} ${value}\n`)
  }
}

const all = Promise.all(Array.from({ length: 256 }, (_, index) => appender(index)))
process.on('disconnect', () => {
  isStopped = true
})
process.send!('running')
await all
closeSync(ledger)
