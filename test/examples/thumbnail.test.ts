import { readFileSync } from 'node:fs'
import { decode } from 'jpeg-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawPicture } from '../../examples/thumbnail/make-picture.ts'
import { shrink } from '../../examples/thumbnail/shrink.ts'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'
import { MqttInbox } from './mqtt-inbox.ts'

const picture = readFileSync(exampleFile('thumbnail', 'harbour.jpg'))

/** Mean distance of the color values of two pictures of one size. */
function distance(one: Uint8Array, other: Uint8Array): number {
  expect(one.length).toBe(other.length)
  return one.reduce((sum, value, index) => sum + Math.abs(value - (other[index] ?? 0)), 0) / one.length
}

describe('the thumbnail example', () => {
  let gateway: ExampleGateway
  let inbox: MqttInbox

  beforeAll(async () => {
    gateway = await startExample('thumbnail')
    inbox = await MqttInbox.open(gateway.mqttUrl, 'thumbnails/#')
  })
  afterAll(async () => {
    await inbox.close()
    await gateway.stop()
    await gateway.dispose()
  })

  it('makes a small JPEG of an uploaded one, which looks the same', async () => {
    expect(await gateway.postBytes('/uploads?name=harbour.jpg', 'image/jpeg', picture)).toBe(202)
    const [message] = await inbox.waitFor(1)
    expect(message?.topic).toBe('thumbnails/harbour.jpg')
    const original = decode(picture, { useTArray: true })
    const small = decode(message?.payload ?? Buffer.alloc(0), { useTArray: true })
    expect([original.width, original.height, small.width, small.height]).toEqual([480, 320, 160, 107])
    expect(message?.payload.length).toBeLessThan(picture.length / 3)
    expect(distance(small.data, shrink(original, 160).data)).toBeLessThan(4)
  })

  it('keeps what is no JPEG as a dead letter, and takes nothing that does not claim to be one', async () => {
    const broken = picture.subarray(0, 300)
    expect(await gateway.postBytes('/uploads?name=broken.jpg', 'image/jpeg', broken)).toBe(202)
    const [letter] = await gateway.until('a dead letter', async () => {
      const letters = await gateway.deadLetters('thumbnail')
      return letters.length > 0 && letters
    })
    expect(letter).toMatchObject({ stage: 'handler', failures: [{ attempt: 1 }], event: { subject: 'broken.jpg' } })
    expect(Buffer.from(letter?.dataBase64 ?? '', 'base64')).toEqual(broken)
    expect(await gateway.postBytes('/uploads?name=page.html', 'text/html', '<html>')).toBe(415)
  })

  it('ships a picture that its script draws', () => {
    expect(drawPicture()).toEqual(picture)
  })
})
