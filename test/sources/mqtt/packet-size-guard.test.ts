import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { PacketSizeGuard } from '../../../src/sources/mqtt/packet-size-guard.ts'

const publish = (bytes: number): Buffer =>
  mqttPacket.generate({
    cmd: 'publish',
    topic: 't',
    payload: Buffer.alloc(bytes),
    qos: 0,
    dup: false,
    retain: false,
  } as Packet)

describe('PacketSizeGuard', () => {
  it('lets packets up to the limit pass and stops at the first larger one, however the stream is cut', () => {
    const sizes = fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(sizes, fc.array(fc.nat({ max: 4000 }), { maxLength: 20 }), (bodies, cuts) => {
        const packets = bodies.map(publish)
        const stream = Buffer.concat([...packets, Buffer.from([0xc0, 0])])
        const limit = 200
        const guard = new PacketSizeGuard(limit)
        const ends = [...cuts.filter(cut => cut < stream.length), stream.length].sort((a, b) => a - b)
        let problem: string | undefined
        let at = 0
        for (const end of ends) {
          problem ??= guard.scan(stream.subarray(at, end))
          at = end
        }
        expect(problem !== undefined).toBe(packets.some(packet => packet.length > limit))
      }),
    )
  })

  it('notices a large packet from its length, before its body', () => {
    expect(new PacketSizeGuard(1000).scan(Buffer.from([0x30, 0xff, 0xff, 0x7f]))).toContain('maxPacketBytes')
  })

  it('refuses a length of more than four bytes', () => {
    expect(new PacketSizeGuard(1000).scan(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toContain('malformed')
  })
})
