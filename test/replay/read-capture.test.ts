import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCapture, SluiceError } from '../../src/index.ts'
import { parseCapture } from '../../src/replay/capture-file.ts'
import { captureOf, failed, json, lineOf, succeeded } from './capture-lines.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-capture-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function file(text: string): string {
  const path = join(dir, 'capture.jsonl')
  writeFileSync(path, text)
  return path
}

describe('a capture as a fixture', () => {
  it('gives a handler what a worker gives it', () => {
    const path = file(captureOf(lineOf('42', { amount: 2 }, succeeded(json({ price: 12.5 })))))
    const { capturedAtMs, events } = readCapture(pathToFileURL(path))
    const [captured] = events
    expect(capturedAtMs).toBe(5)
    expect(captured).toMatchObject({ id: '42', key: 'c7', stream: 'orders', partition: 0, offset: 7 })
    const [event, context] = captured!.invocation({ env: { REGION: 'eu' }, secrets: { token: 't' } })
    expect(event.data).toEqual({ amount: 2 })
    expect(event.toJSON()).toMatchObject({ specversion: '1.0', id: '42', source: '/shop', region: 'eu' })
    expect(context).toMatchObject({
      ...{ function: 'price', version: '3', trigger: 'price', stream: 'orders', attempt: 1 },
      ...{ env: { REGION: 'eu' }, secrets: { token: 't' }, invocationId: 'orders/0/7#1' },
      http: { path: '/orders', headers: { 'x-shop': '1' } },
    })
    expect(context.mqtt).toBeUndefined()
    expect(captured!.recorded[0]).toMatchObject({ outcome: 'succeeded', results: [{ value: { price: 12.5 } }] })
  })

  it('has the number of the attempt that was recorded, and stand-ins for bindings', () => {
    const path = file(captureOf(lineOf('42', {}, failed('Error: no', 4), { ...succeeded(), trigger: 'audit' })))
    const [captured] = readCapture(path).events
    const crm = { get: () => 'here' }
    const [, context] = captured!.invocation({ bindings: { crm } })
    expect([context.attempt, context.trigger]).toEqual([4, 'price'])
    expect(context.bindings['crm']).toBe(crm)
    expect(captured!.invocation({ trigger: 'audit' })[1].attempt).toBe(1)
  })

  it('has an event without data', () => {
    const [captured] = readCapture(file(captureOf(lineOf('42', undefined)))).events
    const [event] = captured!.invocation()
    expect([event.data, event.bytes.length, captured!.recorded]).toEqual([undefined, 0, []])
  })

  it.each([
    ['', 'line 1: it is no JSON'],
    ['{"items":[]}\n', 'line 1: it is no capture; this Sluice reads sluice-capture/1'],
    ['{"format":"sluice-capture/9"}\n', 'line 1: it has the format sluice-capture/9'],
    [`${captureOf(lineOf('a', 1))}[1]\n`, 'line 3: it is no object'],
    [captureOf({ ...lineOf('a', 1), event: { id: 'a' } } as never), 'line 2: event.source must be a text'],
    [captureOf({ ...lineOf('a', 1), dataBase64: 5 } as never), 'line 2: dataBase64 must be a text, or null'],
    [captureOf({ ...lineOf('a', 1), triggers: [{}] } as never), 'line 2: each of triggers must name its trigger'],
  ])('says which line cannot be used: %j', (text, message) => {
    expect(() => readCapture(file(text))).toThrow(message)
  })

  it('says that a file is not there', () => {
    expect(() => readCapture(join(dir, 'none.jsonl'))).toThrow(/none\.jsonl cannot be read/)
  })

  it('never fails otherwise, whatever stands in the file', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map(row => captureOf(JSON.parse(row) as never)),
    )
    fc.assert(
      fc.property(anything, text => {
        try {
          parseCapture(text, 'x')
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError)
        }
      }),
    )
  })
})
