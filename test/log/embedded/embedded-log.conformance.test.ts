import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { partitionLogSuite } from '../../conformance/partition-log.suite.ts'

partitionLogSuite('the embedded log', {
  async open({ partitionCount }) {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-log-'))
    const open = () => openEmbeddedLog({ directory, stream: 'events', partitionCount })
    let log = await open()
    return {
      log,
      async reopen() {
        await log.close()
        return (log = await open())
      },
      async close() {
        await log.close()
        await rm(directory, { recursive: true })
      },
    }
  },
})
