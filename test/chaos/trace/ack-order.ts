import { MqttStream, packetType, publicationOf } from './mqtt-stream.ts'
import type { TracedCall } from './strace-calls.ts'

export interface AckOrder {
  /** Answers 202, those 200 included that repeat one, and PUBACKs. */
  readonly accepted: number
  readonly pubacks: number
  /** Of both, those whose event was synced before the acknowledgement began to leave. */
  readonly synced: number
  readonly findings: string[]
}

export interface TracedFiles {
  /** Whether a file is one of the log. */
  readonly isLog: (path: string) => boolean
  /** Descriptors that were open before the trace began, and whether each write to them is synced (O_DSYNC). */
  readonly openSynced: ReadonlySet<number>
}

interface Connection {
  readonly incoming: MqttStream
  readonly outgoing: MqttStream
  readonly published: Map<number, string>
  isMqtt: boolean | undefined
}

/** Events are told apart by the `id` of their JSON, which stands in the record and in the answer alike. */
const idPattern = /"id":"([^"]+)"/g
const writes = new Set(['pwrite64', 'pwritev', 'pwritev2', 'write', 'writev', 'sendto', 'sendmsg'])
const maxFindings = 10

/** Whether each acknowledgement left after its event was on disk: pure, over the calls of one process. */
export function judgeAckOrder(calls: Iterable<TracedCall>, { isLog, openSynced }: TracedFiles): AckOrder {
  const synced = new Set(openSynced)
  /** Written to a descriptor whose writes are not synced, with the step at which the write ended. */
  const unsynced = new Map<number, { id: string; ended: number }[]>()
  /** The step at which the event was on disk. */
  const durable = new Map<string, number>()
  const connections = new Map<number, Connection>()
  const result = { accepted: 0, pubacks: 0, synced: 0, findings: [] as string[] }
  const acknowledged: { kind: '202' | 'PUBACK'; id: string | undefined; began: number }[] = []

  const wroteLog = (call: TracedCall): void => {
    for (const id of idsOf(call.bytes)) {
      if (synced.has(call.fd)) keepFirst(durable, id, call.ended)
      else unsynced.set(call.fd, [...(unsynced.get(call.fd) ?? []), { id, ended: call.ended }])
    }
  }
  const syncedLog = (call: TracedCall): void => {
    const waiting = unsynced.get(call.fd) ?? []
    // A sync covers what had been written when it began.
    for (const { id, ended } of waiting) if (ended < call.began) keepFirst(durable, id, call.ended)
    unsynced.set(
      call.fd,
      waiting.filter(({ ended }) => ended >= call.began),
    )
  }
  const connectionOf = (fd: number): Connection => {
    let connection = connections.get(fd)
    if (connection === undefined) {
      connection = { incoming: new MqttStream(), outgoing: new MqttStream(), published: new Map(), isMqtt: undefined }
      connections.set(fd, connection)
    }
    return connection
  }
  const received = (call: TracedCall): void => {
    const connection = connectionOf(call.fd)
    if (call.bytes.length === 0) return
    connection.isMqtt ??= call.bytes[0]! >> 4 === packetType.connect
    if (!connection.isMqtt) return
    for (const { type, flags, body } of connection.incoming.take(call.bytes)) {
      const publication = type === packetType.publish ? publicationOf(flags, body) : undefined
      const [id] = publication === undefined ? [] : idsOf(publication.payload)
      if (publication !== undefined && id !== undefined) connection.published.set(publication.messageId, id)
    }
  }
  const answered = (call: TracedCall): void => {
    const connection = connections.get(call.fd)
    if (connection?.isMqtt === true) {
      for (const { type, body } of connection.outgoing.take(call.bytes))
        if (type === packetType.puback)
          acknowledged.push({ kind: 'PUBACK', id: connection.published.get(body.readUInt16BE(0)), began: call.began })
      return
    }
    // Pipelined answers may share a write. A 200 tells of a repeated event that it was accepted before.
    for (const answer of call.bytes.toString('latin1').split(/(?=HTTP\/1\.1 \d{3} )/)) {
      const [id] = idsOf(Buffer.from(answer, 'latin1'))
      if (answer.startsWith('HTTP/1.1 202 ') || (answer.startsWith('HTTP/1.1 200 ') && id !== undefined))
        acknowledged.push({ kind: '202', id, began: call.began })
    }
  }

  for (const call of calls) {
    if (call.result < 0) continue
    const isSocket = call.path.startsWith('socket:') || call.path.startsWith('TCP')
    if (call.name === 'openat') {
      if (call.args.includes('O_DSYNC')) synced.add(call.result)
      else synced.delete(call.result)
    } else if (call.name === 'close') connections.delete(call.fd)
    else if (call.name === 'fdatasync' || call.name === 'fsync') syncedLog(call)
    else if (isSocket && (call.name === 'read' || call.name === 'recvfrom')) received(call)
    else if (writes.has(call.name)) {
      if (isSocket) answered(call)
      else if (isLog(call.path)) wroteLog(call)
    }
  }
  for (const { kind, id, began } of acknowledged) {
    if (kind === '202') result.accepted++
    else result.pubacks++
    const onDisk = id === undefined ? undefined : durable.get(id)
    if (onDisk !== undefined && onDisk < began) result.synced++
    else if (result.findings.length < maxFindings)
      result.findings.push(`${kind} for ${id ?? 'an unknown event'} left at ${began}, synced at ${onDisk ?? 'no time'}`)
  }
  return result
}

function idsOf(bytes: Buffer): string[] {
  return [...bytes.toString('latin1').matchAll(idPattern)].map(([, id = '']) => id)
}

function keepFirst(steps: Map<string, number>, id: string, step: number): void {
  if (!steps.has(id)) steps.set(id, step)
}
