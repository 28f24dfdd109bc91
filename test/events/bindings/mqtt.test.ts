import { describe, expect, it } from 'vitest'
import { decodeMqtt, encodeMqttBinary, encodeMqttStructured } from '../../../src/events/bindings/mqtt.ts'
import { SluiceError } from '../../../src/errors/sluice-error.ts'

const attributes = { id: 'a', source: '/dev', type: 't', datacontenttype: 'application/json; charset=utf-8' }
const userProperties = { specversion: '1.0', id: 'a', source: '/dev', type: 't' }
const contentType = 'application/json; charset=utf-8'
const payload = Buffer.from('{"t": 21.50}')
const structured = Buffer.from(
  `{"specversion":"1.0","id":"a","source":"/dev","type":"t","datacontenttype":"${contentType}","data":{"t": 21.50}}`,
)

describe('MQTT 5', () => {
  it('binary: user properties are attributes, the payload is the data', () => {
    const event = decodeMqtt(payload, { contentType, userProperties: { ...userProperties, ext: 'x' } })
    expect(event).toEqual({ attributes: { ...attributes, extensions: { ext: 'x' } }, data: payload })
    expect(event?.data).toBe(payload)
  })

  it('binary: properties that cannot be attributes are left to the protocol context', () => {
    expect(
      decodeMqtt(payload, { contentType, userProperties: { ...userProperties, 'X-Other': 'y', data: 'z' } })
        ?.attributes,
    ).toEqual(attributes)
  })

  it('binary: a content type that is also a property must be the same', () => {
    expect(
      decodeMqtt(payload, { contentType, userProperties: { ...userProperties, datacontenttype: contentType } })
        ?.attributes,
    ).toEqual(attributes)
    expect(() =>
      decodeMqtt(payload, { contentType, userProperties: { ...userProperties, datacontenttype: 'a/b' } }),
    ).toThrow(/"datacontenttype"/)
  })

  it('binary: a claim must be a valid event', () => {
    expect(() => decodeMqtt(payload, { userProperties: { specversion: '1.0', id: 'a', type: 't' } })).toThrow(
      /"source" is missing/,
    )
    expect(() => decodeMqtt(payload, { userProperties: { ...userProperties, id: ['a', 'b'] } })).toThrow(
      /"id" is there twice/,
    )
  })

  it('structured by content type, whatever the properties say', () => {
    expect(
      decodeMqtt(structured, {
        contentType: 'Application/CloudEvents+json; charset=UTF-8',
        userProperties: { id: 'no' },
      }),
    ).toEqual({ attributes, data: payload })
    expect(() => decodeMqtt(structured, { contentType: 'application/cloudevents-batch+json' })).toThrow(SluiceError)
    expect(() => decodeMqtt(payload, { contentType: 'application/cloudevents+json' })).toThrow(
      /"specversion" is missing/,
    )
  })

  it('anything else is to be mapped', () => {
    expect(decodeMqtt(payload, { contentType, userProperties: { id: 'a', source: '/', type: 't' } })).toBeUndefined()
    // A content type says what the payload is, so that nothing is guessed.
    expect(decodeMqtt(structured, { contentType: 'application/json' })).toBeUndefined()
  })
})

describe('MQTT 3.1.1', () => {
  it('takes a JSON object with specversion for an event, which then has to be valid', () => {
    expect(decodeMqtt(structured, undefined)).toEqual({ attributes, data: payload })
    expect(() => decodeMqtt(Buffer.from('{"specversion":"1.0"}'), undefined)).toThrow(/"id" is missing/)
    expect(decodeMqtt(payload, undefined)).toBeUndefined()
    expect(decodeMqtt(Buffer.from([0xff, 0x00]), {})).toBeUndefined()
  })

  it('follows the option', () => {
    expect(decodeMqtt(structured, undefined, 'never')).toBeUndefined()
    expect(() => decodeMqtt(payload, undefined, 'always')).toThrow(/"specversion" is missing/)
  })
})

describe('encoding', () => {
  it('gives back the event in every mode', () => {
    const binary = encodeMqttBinary({ ...attributes, extensions: { n: 1 } }, payload)
    expect(decodeMqtt(binary.payload, binary.properties)).toEqual({
      attributes: { ...attributes, extensions: { n: '1' } },
      data: payload,
    })
    const five = encodeMqttStructured(attributes, payload, 5)
    expect(decodeMqtt(five.payload, five.properties, 'never')).toEqual({ attributes, data: payload })
    const four = encodeMqttStructured(attributes, payload, 4)
    expect(four.properties).toBeUndefined()
    expect(decodeMqtt(four.payload, undefined)).toEqual({ attributes, data: payload })
  })
})
