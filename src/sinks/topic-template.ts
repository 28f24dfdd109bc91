import { SluiceError } from '../errors/sluice-error.ts'
import { attributeText } from '../events/cloud-event-validation.ts'
import type { EventHeader } from '../events/event-header.ts'

/** What a destination may not contain: each kind of sink has its own rules for what a placeholder becomes. */
export type EncodePlaceholder = (value: string) => string

export interface TopicTemplate {
  /** Whether it has no placeholder: every event goes to the same place. */
  readonly isConstant: boolean
  /**
   * Fills the placeholders from an event's attributes.
   * @throws {SluiceError} SLUICE_SINKS_TEMPLATE when the event has not got one of them, or it cannot stand there.
   */
  fill(header: EventHeader): string
}

const placeholder = /\{([^{}]*)\}/g

/**
 * Compiles a destination such as `alerts/{subject}`: the names are context attributes (id, source, type, subject, …) and
 * extensions. `{{` and `}}` are not special; a brace outside of a placeholder is an error, as it is most likely a slip.
 * @param where names the setting in messages, such as `sinks.alerts.topic`.
 * @param encode turns a value into what may stand in its place, or throws an Error that says why it cannot.
 * @throws {SluiceError} SLUICE_CONFIG_INVALID.
 */
export function compileTopicTemplate(template: string, where: string, encode: EncodePlaceholder): TopicTemplate {
  const texts: string[] = []
  const names: string[] = []
  let end = 0
  for (const match of template.matchAll(placeholder)) {
    const name = match[1]!
    if (!/^[a-z0-9]{1,20}$/.test(name)) {
      throw invalid(where, `{${name}} is no attribute; names have 1 to 20 lower-case letters and digits`)
    }
    texts.push(template.slice(end, match.index))
    names.push(name)
    end = match.index + match[0].length
  }
  texts.push(template.slice(end))
  if (texts.some(text => /[{}]/.test(text))) throw invalid(where, 'a brace has no counterpart')
  return {
    isConstant: names.length === 0,
    fill(header) {
      let filled = texts[0]!
      for (const [i, name] of names.entries()) filled += valueOf(header, name, where, encode) + texts[i + 1]!
      return filled
    },
  }
}

function valueOf(header: EventHeader, name: string, where: string, encode: EncodePlaceholder): string {
  const value = attributeText(header, name)
  if (value === undefined || value === '') {
    throw unfilled(where, name, 'the event does not have it; set it in the mapping or in the result')
  }
  try {
    return encode(value)
  } catch (cause) {
    throw unfilled(where, name, (cause as Error).message)
  }
}

/** One level of an MQTT topic: no separator and no wildcard, so that a sender cannot choose the branch it lands in. */
export function encodeTopicLevel(value: string): string {
  if (/[/+#\0]/.test(value)) throw new Error('its value has one of / + # or NUL, which one topic level cannot have')
  return value
}

/** One segment of a URL path or one value of its query. */
export function encodeUrlPart(value: string): string {
  // A lone dot segment would be resolved away and change the path.
  if (value === '.' || value === '..') throw new Error(`its value is "${value}", which is no path segment`)
  if (!value.isWellFormed()) throw new Error('its value is not well-formed Unicode')
  return encodeURIComponent(value)
}

/** A part of a Kafka topic name. */
export function encodeKafkaTopicPart(value: string): string {
  if (!/^[A-Za-z0-9._-]+$/.test(value)) throw new Error('its value has characters that a Kafka topic cannot have')
  return value
}

function invalid(where: string, message: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_INVALID', `${where}: ${message}`, { details: { where } })
}

function unfilled(where: string, attribute: string, message: string): SluiceError {
  return new SluiceError('SLUICE_SINKS_TEMPLATE', `${where}: {${attribute}} cannot be filled: ${message}`, {
    details: { where, attribute },
  })
}
