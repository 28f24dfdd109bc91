import { SluiceError } from '../../errors/sluice-error.ts'
import type { CloudEventAttributes } from '../cloud-event.ts'
import { attributeEntries, invalidEvent, isAttributeName, shown, validAttributes } from '../cloud-event-validation.ts'
import { decodeJsonEvent, encodeJsonEvent, hasSpecversion, type DecodedEvent } from '../json-format.ts'
import { isUtf8MediaType, parseMediaType } from '../media-type.ts'
import { structuredMediaType } from './http.ts'

/** The properties of an MQTT 5 PUBLISH that matter here, in the shape mqtt.js and mqtt-packet give them. */
export interface MqttProperties {
  readonly contentType?: string
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
}

/**
 * How a payload without a content type is read. MQTT 3.1.1 has none, and the binding then implies the JSON event format:
 * `always` follows it to the letter; `detect` (the default) takes a payload for a structured event when it is a JSON object
 * with a `specversion` member, so that plain telemetry can share the source; `never` maps everything.
 */
export type StructuredDetection = 'always' | 'detect' | 'never'

/**
 * Decodes a PUBLISH that claims to be a CloudEvent (MQTT binding 1.0.2 §3); undefined when it does not and is to be mapped.
 * Claims: a content type of `application/cloudevents…`, a user property `specversion`, or see {@link StructuredDetection}.
 * User properties that cannot be attribute names are no attributes; they stay in the protocol context.
 * @throws {SluiceError} SLUICE_EVENTS_INVALID, SLUICE_EVENTS_UNSUPPORTED_TYPE.
 */
export function decodeMqtt(
  payload: Buffer,
  properties: MqttProperties | undefined,
  detection: StructuredDetection = 'detect',
): DecodedEvent | undefined {
  const contentType = properties?.contentType
  if (contentType?.toLowerCase().startsWith('application/cloudevents') === true) {
    const type = parseMediaType(contentType)
    if (type?.essence !== structuredMediaType || !isUtf8MediaType(type)) {
      throw new SluiceError(
        'SLUICE_EVENTS_UNSUPPORTED_TYPE',
        `the event format ${shown(contentType)} is not supported; use ${structuredMediaType}`,
      )
    }
    return decodeJsonEvent(payload)
  }
  const userProperties = properties?.userProperties
  if (userProperties !== undefined && Object.hasOwn(userProperties, 'specversion')) {
    return decodeMqttBinary(payload, contentType, userProperties)
  }
  if (contentType !== undefined || detection === 'never') return undefined
  return detection === 'always' || hasSpecversion(payload) ? decodeJsonEvent(payload) : undefined
}

function decodeMqttBinary(
  payload: Buffer,
  contentType: string | undefined,
  userProperties: NonNullable<MqttProperties['userProperties']>,
): DecodedEvent {
  const raw: [string, unknown][] = []
  for (const [name, value] of Object.entries(userProperties)) {
    if (!isAttributeName(name)) continue
    if (name === 'datacontenttype' && contentType !== undefined) {
      // The example of §3.1.4 sends it twice; that is harmless as long as both say the same.
      if (value === contentType) continue
      throw invalidEvent([{ attribute: name, message: 'differs from the Content Type property' }])
    }
    if (typeof value === 'string') raw.push([name, value])
    // A list is a repeated property: each of its values is one occurrence for the check.
    else for (const each of value) raw.push([name, each])
  }
  if (contentType !== undefined) raw.push(['datacontenttype', contentType])
  return { attributes: validAttributes(raw), data: payload }
}

/** A message for an MQTT sink; MQTT 3.1.1 sends the payload alone. */
export interface MqttMessage {
  readonly payload: Buffer
  readonly properties?: { readonly contentType?: string; readonly userProperties: Readonly<Record<string, string>> }
}

/**
 * MQTT 5 only. The content type goes out as a user property, too, as in the example of §3.1.4: the official SDK looks
 * only there. @throws {SluiceError} SLUICE_EVENTS_INVALID when an attribute is invalid.
 */
export function encodeMqttBinary(attributes: CloudEventAttributes, data: Buffer | null): MqttMessage {
  validAttributes(attributeEntries(attributes))
  const userProperties: Record<string, string> = {}
  for (const [name, value] of attributeEntries(attributes)) userProperties[name] = String(value)
  const contentType = attributes.datacontenttype
  return {
    payload: data ?? Buffer.alloc(0),
    properties: contentType === undefined ? { userProperties } : { contentType, userProperties },
  }
}

/** @throws {SluiceError} SLUICE_EVENTS_INVALID when an attribute is invalid. */
export function encodeMqttStructured(
  attributes: CloudEventAttributes,
  data: Buffer | null,
  version: 4 | 5,
): MqttMessage {
  const payload = encodeJsonEvent(attributes, data)
  if (version === 4) return { payload }
  return { payload, properties: { contentType: `${structuredMediaType}; charset=utf-8`, userProperties: {} } }
}
