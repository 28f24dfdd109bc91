import { createHmac } from 'node:crypto'
import { sign as octokitSign } from '@octokit/webhooks-methods'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import Value from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { httpVerifySchema, type HttpVerifyConfig } from '../../src/config/sections/http-source.ts'
import { createSignatureVerifier, type RequestHeaders } from '../../src/sources/signature.ts'

const NOW_MS = 1_700_000_000_000
const NOW_S = NOW_MS / 1000
const BODY = Buffer.from('{"type":"order.paid","amount":12.50}')
const KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const OTHER_KEY = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'

const verifier = (config: Record<string, unknown>) =>
  createSignatureVerifier(Value.Default(httpVerifySchema, config) as HttpVerifyConfig)

const hmac = (
  secret: string,
  text: string | Buffer,
  encoding: 'hex' | 'base64' = 'hex',
  algorithm = 'sha256',
): string => createHmac(algorithm, secret).update(text).digest(encoding)

describe('the standard-webhooks scheme', () => {
  const verify = verifier({ scheme: 'standard-webhooks', secrets: [KEY] })
  const signed = (key = KEY, id = 'msg_1', seconds = NOW_S, body: Buffer = BODY): Record<string, string> => ({
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': new Webhook(key).sign(id, new Date(seconds * 1000), body),
  })

  it('takes what the reference implementation signs, and names the delivery', () => {
    expect(verify(signed(), BODY, NOW_MS)).toEqual({ valid: true, deliveryId: 'msg_1' })
  })

  it('takes every body and id that the reference implementation signs, and no other body', () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/), (text, id) => {
        const body = Buffer.from(text)
        const headers = signed(KEY, id, NOW_S, body)
        expect(verify(headers, body, NOW_MS).valid).toBe(true)
        expect(verify(headers, Buffer.concat([body, Buffer.from(' ')]), NOW_MS).valid).toBe(false)
      }),
    )
  })

  it('refuses a changed body, id or time', () => {
    expect(verify(signed(), Buffer.from(BODY.toString().replace('12', '99')), NOW_MS).valid).toBe(false)
    expect(verify({ ...signed(), 'webhook-id': 'msg_2' }, BODY, NOW_MS).valid).toBe(false)
    expect(verify({ ...signed(), 'webhook-timestamp': String(NOW_S + 1) }, BODY, NOW_MS).valid).toBe(false)
  })

  it('finds the right one among several signatures, passing over unknown versions', () => {
    const list = `v1a,AAAA v1,${Buffer.alloc(32).toString('base64')} ${signed()['webhook-signature']}`
    expect(verify({ ...signed(), 'webhook-signature': list }, BODY, NOW_MS).valid).toBe(true)
    expect(verify({ ...signed(), 'webhook-signature': 'v2,AAAA' }, BODY, NOW_MS).valid).toBe(false)
  })

  it('takes any active secret while secrets are rotated, and none that is not active', () => {
    const rotating = verifier({ scheme: 'standard-webhooks', secrets: [OTHER_KEY, KEY] })
    expect(rotating(signed(KEY), BODY, NOW_MS).valid).toBe(true)
    expect(rotating(signed(OTHER_KEY), BODY, NOW_MS).valid).toBe(true)
    expect(verify(signed(OTHER_KEY), BODY, NOW_MS).valid).toBe(false)
  })

  it('refuses times outside of the tolerance, in both directions, and takes its borders', () => {
    expect(verify(signed(KEY, 'm', NOW_S - 300), BODY, NOW_MS).valid).toBe(true)
    expect(verify(signed(KEY, 'm', NOW_S + 300), BODY, NOW_MS).valid).toBe(true)
    expect(verify(signed(KEY, 'm', NOW_S - 301), BODY, NOW_MS)).toMatchObject({ problem: /too old/ })
    expect(verify(signed(KEY, 'm', NOW_S + 301), BODY, NOW_MS)).toMatchObject({ problem: /future/ })
  })

  it('refuses an id with a dot, which would let id and timestamp share the signed bytes', () => {
    expect(verify(signed(KEY, 'a.b'), BODY, NOW_MS).valid).toBe(false)
  })

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('names the header %s when it is missing', name => {
    const headers: Record<string, string> = signed()
    delete headers[name]
    expect(verify(headers, BODY, NOW_MS)).toEqual({ valid: false, problem: expect.stringContaining(name) })
  })

  it('refuses a secret that is none, without showing it', () => {
    for (const secret of ['whsec_', 'short', 'whsec_@@@@@@@@@@@@@@@@@@@@@@@@@@@@']) {
      const create = (): unknown => verifier({ scheme: 'standard-webhooks', secrets: [secret] })
      expect(create).toThrow(/verify\.secrets\[0\]/)
      expect(create).not.toThrow(new RegExp(`${secret}$`))
    }
  })
})

describe('the github scheme', () => {
  const secret = "It's a Secret to Everybody"
  const verify = verifier({ scheme: 'github', secrets: ['older', secret] })

  it('takes what octokit signs, and names the delivery', async () => {
    const headers = { 'x-hub-signature-256': await octokitSign(secret, BODY.toString()), 'x-github-delivery': 'guid-1' }
    expect(verify(headers, BODY, NOW_MS)).toEqual({ valid: true, deliveryId: 'guid-1' })
    expect(verify(headers, Buffer.from('{}'), NOW_MS).valid).toBe(false)
  })

  it("agrees with GitHub's published example", () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    const headers = { 'x-hub-signature-256': signature, 'x-github-delivery': 'guid-1' }
    expect(verify(headers, Buffer.from('Hello, World!'), NOW_MS).valid).toBe(true)
  })

  it('wants the delivery id, because nothing else stops a replay', () => {
    expect(verify({ 'x-hub-signature-256': `sha256=${hmac(secret, BODY)}` }, BODY, NOW_MS).valid).toBe(false)
  })

  it('refuses the SHA-1 signature, a truncated one and one with trailing characters', () => {
    const good = hmac(secret, BODY)
    const tries: RequestHeaders[] = [
      { 'x-hub-signature': `sha1=${hmac(secret, BODY, 'hex', 'sha1')}` },
      { 'x-hub-signature-256': `sha256=${good.slice(0, 62)}` },
      { 'x-hub-signature-256': `sha256=${good}zz` },
      { 'x-hub-signature-256': good },
      { 'x-hub-signature-256': 'sha256=' },
      { 'x-hub-signature-256': [`sha256=${good}`, `sha256=${good}`] },
    ]
    for (const headers of tries) {
      expect(verify({ ...headers, 'x-github-delivery': 'guid-1' }, BODY, NOW_MS).valid).toBe(false)
    }
  })
})

describe('the stripe scheme', () => {
  const verify = verifier({ scheme: 'stripe', secrets: ['whsec_test'] })
  const signature = (seconds: number): string => hmac('whsec_test', `${seconds}.${BODY}`)

  it('takes a signature among several and passes over other schemes', () => {
    const header = `t=${NOW_S},v1=${'0'.repeat(64)},v1=${signature(NOW_S)},v0=${'1'.repeat(64)}`
    expect(verify({ 'stripe-signature': header }, BODY, NOW_MS)).toEqual({ valid: true })
  })

  it('refuses an old time, a second time, a missing time and a signature of another time', () => {
    for (const header of [
      `t=${NOW_S - 301},v1=${signature(NOW_S - 301)}`,
      `t=${NOW_S},t=${NOW_S - 1},v1=${signature(NOW_S)}`,
      `v1=${signature(NOW_S)}`,
      `t=${NOW_S - 1},v1=${signature(NOW_S)}`,
      `t=1e9,v1=${signature(NOW_S)}`,
    ]) {
      expect(verify({ 'stripe-signature': header }, BODY, NOW_MS).valid).toBe(false)
    }
  })
})

describe('the slack scheme', () => {
  const verify = verifier({ scheme: 'slack', secrets: ['8f742231b10e8888abcd99yyyzzz85a5'] })
  const seconds = 1_531_420_618
  const example = Buffer.from(
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V' +
      '&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=' +
      '&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN' +
      '&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  )
  const headers = {
    'x-slack-request-timestamp': String(seconds),
    'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
  }

  it("agrees with Slack's published example and refuses it later", () => {
    expect(verify(headers, example, seconds * 1000)).toEqual({ valid: true })
    expect(verify(headers, example, seconds * 1000 + 301_000).valid).toBe(false)
  })
})

describe('the hmac scheme', () => {
  it('takes header, algorithm, encoding and prefix as configured', () => {
    const verify = verifier({
      scheme: 'hmac',
      secrets: ['s3'],
      header: 'X-Sign',
      algorithm: 'sha512',
      encoding: 'base64',
      prefix: 'hmac ',
    })
    expect(verify({ 'x-sign': `hmac ${hmac('s3', BODY, 'base64', 'sha512')}` }, BODY, NOW_MS)).toEqual({ valid: true })
    expect(verify({ 'x-sign': hmac('s3', BODY, 'base64', 'sha512') }, BODY, NOW_MS).valid).toBe(false)
    expect(verify({ 'x-sign': `hmac ${hmac('s3', BODY, 'base64', 'sha256')}` }, BODY, NOW_MS).valid).toBe(false)
  })

  it('signs the time too when it has a header, so that it cannot be renewed', () => {
    const verify = verifier({ scheme: 'hmac', secrets: ['s3'], header: 'x-sign', timestampHeader: 'X-Time' })
    const sign = hmac('s3', `${NOW_S}.${BODY}`)
    expect(verify({ 'x-sign': sign, 'x-time': String(NOW_S) }, BODY, NOW_MS)).toEqual({ valid: true })
    expect(verify({ 'x-sign': sign, 'x-time': String(NOW_S + 1) }, BODY, NOW_MS).valid).toBe(false)
    expect(verify({ 'x-sign': sign, 'x-time': String(NOW_S) }, BODY, NOW_MS + 301_000).valid).toBe(false)
    expect(verify({ 'x-sign': hmac('s3', BODY) }, BODY, NOW_MS)).toMatchObject({ valid: false, problem: /x-time/ })
  })
})

describe('every scheme', () => {
  const configs: Record<string, unknown>[] = [
    { scheme: 'standard-webhooks', secrets: [KEY] },
    { scheme: 'github', secrets: ['s3'] },
    { scheme: 'stripe', secrets: ['s3'] },
    { scheme: 'slack', secrets: ['s3'] },
    { scheme: 'hmac', secrets: ['s3'], header: 'webhook-signature', timestampHeader: 'webhook-timestamp' },
  ]
  const names = [
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
    'x-hub-signature-256',
    'x-github-delivery',
    'stripe-signature',
    'x-slack-signature',
    'x-slack-request-timestamp',
  ]

  it('refuses arbitrary headers without throwing', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constant(`t=${NOW_S},v1=00`),
      fc.constant(String(NOW_S)),
      fc.array(fc.string()),
    )
    const headers = fc.dictionary(fc.constantFrom(...names), value)
    for (const config of configs) {
      const verify = verifier(config)
      fc.assert(fc.property(headers, h => !verify(h, BODY, NOW_MS).valid))
    }
  })
})
