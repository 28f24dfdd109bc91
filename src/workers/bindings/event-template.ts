import { SluiceError } from '../../errors/sluice-error.ts'
import { attributeText } from '../../events/cloud-event-validation.ts'
import type { EncodePlaceholder } from '../../sinks/topic-template.ts'
import { HandlerEvent } from '../event-object.ts'
import type { BindingUse } from './binding.ts'

/** A text of a binding's definition such as `users/{event.data.user}`. */
export interface EventTemplate {
  /** With every placeholder replaced by this text. */
  sample(text: string): string
  /** @throws {SluiceError} SLUICE_SINKS_TEMPLATE when there is no event, it lacks a value, or the value cannot stand there. */
  fill(event: BindingUse['event']): string
}

type Read = (event: HandlerEvent) => unknown

const placeholder = /\{([^{}]*)\}/g

/**
 * Compiles a template. Placeholders are `{event.<attribute>}` for context attributes and extensions (id, subject, type,
 * partitionkey, …) and `{event.data.a.b}` for members of a JSON body.
 * @param where names the template in messages, such as `binding users: path`.
 * @param encode turns a value into what may stand in its place, or throws an Error that says why it cannot.
 * @throws {SluiceError} SLUICE_CONFIG_INVALID.
 */
export function compileEventTemplate(template: string, where: string, encode: EncodePlaceholder): EventTemplate {
  const texts: string[] = []
  const readers: { readonly name: string; readonly read: Read }[] = []
  let end = 0
  for (const match of template.matchAll(placeholder)) {
    const name = match[1] as string
    texts.push(template.slice(end, match.index))
    readers.push({ name, read: readerOf(name, where) })
    end = match.index + match[0].length
  }
  texts.push(template.slice(end))
  if (texts.some(text => /[{}]/.test(text))) throw invalid(where, 'a brace has no counterpart')
  return {
    sample: text => texts.join(text),
    fill(event) {
      let filled = texts[0] as string
      for (const [i, { name, read }] of readers.entries())
        filled += valueOf(event, name, read, where, encode) + (texts[i + 1] as string)
      return filled
    },
  }
}

function readerOf(name: string, where: string): Read {
  const attribute = /^event\.([a-z0-9]{1,20})$/.exec(name)?.[1]
  if (attribute !== undefined && attribute !== 'data')
    return event => attributeText(HandlerEvent.headerOf(event), attribute)
  const path = /^event\.data\.(.+)$/.exec(name)?.[1]?.split('.')
  if (path === undefined || path.includes(''))
    throw invalid(where, `{${name}} is no placeholder; write {event.subject} or {event.data.some.member}`)
  return event => memberOf(event.data, path)
}

/** Own members only: no event has a `constructor`. */
function memberOf(data: unknown, path: readonly string[]): unknown {
  let value = data
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

function valueOf(
  event: BindingUse['event'],
  name: string,
  read: Read,
  where: string,
  encode: EncodePlaceholder,
): string {
  if (typeof event === 'string') throw unfilled(where, name, event)
  const value = read(event)
  if (value === undefined || value === null || value === '') throw unfilled(where, name, 'the event does not have it')
  if (typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol')
    throw unfilled(where, name, `its value is ${Array.isArray(value) ? 'an array' : `a ${typeof value}`}, not a text`)
  try {
    return encode(String(value))
  } catch (cause) {
    throw unfilled(where, name, (cause as Error).message)
  }
}

function invalid(where: string, message: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_INVALID', `${where}: ${message}`, { details: { where } })
}

function unfilled(where: string, placeholderName: string, message: string): SluiceError {
  return new SluiceError('SLUICE_SINKS_TEMPLATE', `${where}: {${placeholderName}} cannot be filled: ${message}`, {
    details: { where, placeholder: placeholderName },
  })
}
