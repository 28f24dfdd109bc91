import { spawn, type ChildProcess } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { findProgram } from '../../support/find-program.ts'
import { leashProcess } from '../../support/leash.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, exactly } from '../figure.ts'
import { judgeAckOrder } from '../trace/ack-order.ts'
import { readCalls, type TracedCall } from '../trace/strace-calls.ts'
import { Trial } from './trial.ts'

const traced = 'openat,close,read,recvfrom,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fdatasync,fsync'
/** O_DSYNC of Linux; node:fs tells it, too, but only there. */
const dsync = 0o10000

export const ackAfterSync = defineExperiment({
  name: 'ack-after-sync',
  proves: 'Every 202 and every PUBACK leaves after the event it acknowledges was synced, as the kernel sees it.',
  needs: ['strace'],
  full: { acknowledgements: 10_000 },
  short: { acknowledgements: 1_500 },
  async run({ size, directory, progress }) {
    await using trial = await Trial.start()
    const { pid } = trial.gateway.process
    const openSynced = await synchronousSegments(pid)
    const file = join(directory, 'trace')
    const strace = await attach(pid, file)
    trial.sendWebhooks({ keys: 64, connections: 64, eventsPerSecond: 2_000 })
    trial.publishFromDevices({ messagesPerSecond: 1_000 })
    const half = size.acknowledgements / 2
    for (let wanted = half; ; wanted += half) {
      await trial.sent.waitForAcknowledged(Math.min(wanted, size.acknowledgements))
      progress(trial.sent.acknowledged, size.acknowledgements)
      if (wanted >= size.acknowledgements) break
    }
    await trial.stopSending()
    const { acknowledged } = trial.sent
    // The last acknowledgement may be here before its call has returned there; whoever answers this has returned from it.
    await trial.gateway.readiness()
    strace.kill('SIGTERM')
    await once(strace, 'exit')
    const order = judgeAckOrder(await callsOf(file), { isLog: path => path.endsWith('.segment'), openSynced })
    const seen = order.accepted + order.pubacks
    return {
      figures: [
        atLeast('acknowledgements', seen, size.acknowledgements),
        exactly('of which were preceded by their sync', order.synced, seen),
        atLeast('202 answers', order.accepted, 1),
        atLeast('PUBACKs', order.pubacks, 1),
        atLeast('acknowledgements seen of those received', seen, acknowledged),
      ],
      findings: order.findings,
    }
  },
})

/** Starts strace on a running process and resolves when it sees every thread. */
async function attach(pid: number, file: string): Promise<ChildProcess> {
  const options = ['-f', '-y', '-xx', '-s', '1048576', '-e', `trace=${traced}`, '-e', 'signal=none', '-o', file]
  const strace = spawn(findProgram('strace')!, [...options, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
  const unleash = leashProcess(strace.pid!)
  strace.once('exit', unleash)
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    strace.once('exit', code => reject(new Error(`strace ended with ${code}: ${said.join(' ')}`)))
    createInterface({ input: strace.stderr! }).on('line', line => {
      said.push(line)
      if (line.includes('attached')) resolve()
    })
  })
  return strace
}

/** Descriptors of segments whose writes are synced, of a process that runs. */
async function synchronousSegments(pid: number): Promise<Set<number>> {
  const synced = new Set<number>()
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const path = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
    if (!path.endsWith('.segment')) continue
    const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8')
    if ((Number.parseInt(/^flags:\s+(\d+)$/m.exec(info)?.[1] ?? '0', 8) & dsync) !== 0) synced.add(Number(fd))
  }
  return synced
}

async function callsOf(file: string): Promise<readonly TracedCall[]> {
  const lines: string[] = []
  for await (const line of createInterface({ input: createReadStream(file) })) lines.push(line)
  return [...readCalls(lines)]
}
