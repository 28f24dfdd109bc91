import { describe, expect, it } from 'vitest'
import { judgeAckOrder } from './ack-order.ts'
import { MqttStream } from './mqtt-stream.ts'
import { readCalls } from './strace-calls.ts'

/** As `strace -xx` writes bytes. */
const hex = (bytes: Buffer | string): string =>
  `"${[...Buffer.from(bytes)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`

const segment = '/data/0.segment'
const path = (text: string): string => hex(text).slice(1, -1)
const record = (id: string): string => `....{"id":"${id}","key":"k"}`
const write = (fd: number, ...ids: string[]): string =>
  `7 pwritev(${fd}<${path(segment)}>, [${ids.map(id => `{iov_base=${hex(record(id))}, iov_len=30}`).join(', ')}], 1, 512) = 30`
const answer = (id: string): string =>
  `3 write(31<${path('socket:[9]')}>, ${hex(`HTTP/1.1 202 Accepted\r\n\r\n{"id":"${id}","partition":0}`)}, 60) = 60`

function judge(lines: readonly string[], openSynced: readonly number[] = []) {
  const isLog = (file: string): boolean => file === segment
  return judgeAckOrder(readCalls(lines), { isLog, openSynced: new Set(openSynced) })
}

const allGood = (count: number) => ({ synced: count, findings: [] })

describe('an answer 202', () => {
  it('is good after a write to a file that was opened for synchronous writes', () => {
    const open = `7 openat(AT_FDCWD<${path('/')}>, ${hex(segment)}, O_RDWR|O_CREAT|O_EXCL|O_DSYNC|O_CLOEXEC, 0640) = 25<${path(segment)}>`
    expect(judge([open, write(25, 'a', 'b'), answer('a'), answer('b')])).toMatchObject(allGood(2))
    expect(judge([write(25, 'a'), answer('a')], [25])).toMatchObject(allGood(1))
  })

  it('is good after a sync that began when the write had ended', () => {
    expect(judge([write(25, 'a'), `7 fdatasync(25<${path(segment)}>) = 0`, answer('a')])).toMatchObject(allGood(1))
  })

  it.each([
    ['no sync', [write(25, 'a'), answer('a')], 'synced at no time'],
    ['no write', [answer('a')], 'synced at no time'],
    ['another event synced', [write(25, 'b'), `7 fdatasync(25<${path(segment)}>) = 0`, answer('a')], 'no time'],
    ['a sync after it', [write(25, 'a'), answer('a'), `7 fdatasync(25<${path(segment)}>) = 0`], 'synced at 3'],
    ['a sync of another file', [write(25, 'a'), `7 fdatasync(26<${path(segment)}>) = 0`, answer('a')], 'no time'],
    ['a sync that failed', [write(25, 'a'), `7 fdatasync(25<${path(segment)}>) = -1 EIO (…)`, answer('a')], 'no time'],
    [
      'a sync that had begun before the write ended',
      [
        `8 fdatasync(25<${path(segment)}> <unfinished ...>`,
        write(25, 'a'),
        '8 <... fdatasync resumed>) = 0',
        answer('a'),
      ],
      'synced at no time',
    ],
    [
      'a synchronous write that has not returned',
      [write(25, 'a').replace(/\) = 30$/, ' <unfinished ...>'), answer('a'), '7 <... pwritev resumed>) = 30'],
      'synced at 3',
    ],
  ])('is bad with %s', (what, lines, finding) => {
    const { accepted, synced, findings } = judge(lines, what.startsWith('a synchronous') ? [25] : [])
    expect({ accepted, synced }).toEqual({ accepted: 1, synced: 0 })
    expect(findings).toEqual([expect.stringContaining(finding)])
  })

  it('counts as well when it says 200 to a repeated event, and not when it is about no event', () => {
    const repeated = answer('a').replace(path('202 Accepted'), path('200 OK'))
    const page = answer('a').replace(path('202 Accepted'), path('200 OK')).replace(path('"id"'), path('"up"'))
    expect(judge([repeated, page])).toMatchObject({ accepted: 1, synced: 0 })
  })

  it('is found beside others in one write', () => {
    const both = Buffer.from(
      'HTTP/1.1 202 Accepted\r\n\r\n{"id":"a"}HTTP/1.1 503 Busy\r\n\r\n{"id":"c"}HTTP/1.1 202 Accepted\r\n\r\n{"id":"b"}',
    )
    const lines = [
      write(25, 'a', 'b'),
      `3 writev(31<${path('socket:[9]')}>, [{iov_base=${hex(both)}, iov_len=99}], 1) = 99`,
    ]
    expect(judge(lines, [25])).toMatchObject({ accepted: 2, synced: 2 })
  })
})

describe('a PUBACK', () => {
  const connect = Buffer.from([0x10, 2, 0, 0])
  const publish = (messageId: number, id: string): Buffer => {
    const payload = Buffer.from(`{"id":"${id}"}`)
    const head = Buffer.from([0x32, 2 + 1 + 2 + payload.length, 0, 1, 0x74, 0, messageId])
    return Buffer.concat([head, payload])
  }
  const puback = (...ids: number[]): Buffer => Buffer.concat(ids.map(id => Buffer.from([0x40, 2, 0, id])))
  const read = (bytes: Buffer): string => `3 read(40<${path('socket:[5]')}>, ${hex(bytes)}, 65536) = ${bytes.length}`
  const sent = (bytes: Buffer): string => `3 write(40<${path('socket:[5]')}>, ${hex(bytes)}, 4) = ${bytes.length}`

  it('is matched with its event by connection and message id, however packets are cut', () => {
    const both = Buffer.concat([connect, publish(7, 'a'), publish(8, 'b')])
    const lines = [read(both.subarray(0, 9)), read(both.subarray(9)), write(25, 'b'), sent(puback(8)), sent(puback(7))]
    expect(judge(lines, [25])).toMatchObject({
      pubacks: 2,
      synced: 1,
      findings: ['PUBACK for a left at 5, synced at no time'],
    })
  })

  it('on a descriptor that was used again belongs to the new connection', () => {
    const lines = [
      ...[read(connect), read(publish(7, 'a')), write(25, 'a'), `3 close(40<${path('socket:[5]')}>) = 0`],
      ...[read(connect), read(publish(7, 'b')), sent(puback(7))],
    ]
    expect(judge(lines, [25])).toMatchObject({ pubacks: 1, synced: 0 })
  })
})

it('reads MQTT packets with lengths of several bytes', () => {
  const body = Buffer.alloc(300, 1)
  const packet = Buffer.concat([Buffer.from([0x30, 0xac, 0x02]), body])
  const stream = new MqttStream()
  expect(stream.take(packet.subarray(0, 2))).toEqual([])
  expect(stream.take(packet.subarray(2))).toEqual([{ type: 3, flags: 0, body }])
})
