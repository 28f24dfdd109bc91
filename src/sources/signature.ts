import { createHmac, timingSafeEqual } from 'node:crypto'
import type { HttpVerifyConfig } from '../config/sections/http-source.ts'
import { SluiceError } from '../errors/sluice-error.ts'

/** Headers as Node gives them: lower-case names. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export type SignatureVerdict =
  /** `deliveryId` is what the scheme calls the id of this delivery; two requests with the same one are one. */
  | { readonly valid: true; readonly deliveryId?: string }
  /** `problem` says what was wrong without saying what would have been right. */
  | { readonly valid: false; readonly problem: string }

/**
 * Decides whether a request comes from who knows a secret, over the raw bytes of its body and in constant time.
 * Does no I/O and takes the time, so that the same request always gets the same verdict.
 */
export type SignatureVerifier = (headers: RequestHeaders, body: Buffer, nowMs: number) => SignatureVerdict

/** Most signatures of one request that are looked at: senders that rotate send two or three. */
const MAX_SIGNATURES = 16
/** Longest delivery id that is remembered. */
const MAX_DELIVERY_ID_LENGTH = 256
const MAX_HEADER_LENGTH = 4096

/** @throws {SluiceError} SLUICE_CONFIG_INVALID when a secret cannot be a key of the scheme; never shows the secret. */
export function createSignatureVerifier(config: HttpVerifyConfig): SignatureVerifier {
  switch (config.scheme) {
    case 'standard-webhooks':
      return standardWebhooks(config.secrets.map(standardWebhooksKey), config.toleranceMs)
    case 'github':
      return github(config.secrets.map(utf8Key))
    case 'stripe':
      return stripe(config.secrets.map(utf8Key), config.toleranceMs)
    case 'slack':
      return slack(config.secrets.map(utf8Key), config.toleranceMs)
    case 'hmac':
      return genericHmac(config, config.secrets.map(utf8Key))
  }
}

/** Standard Webhooks 1.0: HMAC-SHA256 over `<id>.<timestamp>.<body>`; several signatures, separated by spaces. */
function standardWebhooks(keys: readonly Buffer[], toleranceMs: number): SignatureVerifier {
  return (headers, body, nowMs) => {
    const id = one(headers, 'webhook-id')
    const timestamp = one(headers, 'webhook-timestamp')
    const signature = one(headers, 'webhook-signature')
    if (id === undefined) return missing('webhook-id')
    if (timestamp === undefined) return missing('webhook-timestamp')
    if (signature === undefined) return missing('webhook-signature')
    // A dot in the id would let the border between id and timestamp move while the signed bytes stay the same.
    if (id.includes('.') || id.length > MAX_DELIVERY_ID_LENGTH) return invalid('webhook-id is not a valid id')
    const late = outsideTolerance(timestamp, 'webhook-timestamp', nowMs, toleranceMs)
    if (late !== undefined) return late
    const candidates = listed(signature, ' ', 'v1,', 'base64')
    return matchesAny(keys, 'sha256', `${id}.${timestamp}.`, body, candidates)
      ? { valid: true, deliveryId: id }
      : mismatch('webhook-signature')
  }
}

/**
 * GitHub: `X-Hub-Signature-256: sha256=<hex>` over the body alone. There is no signed time, so a replay is only
 * stopped by remembering X-GitHub-Delivery.
 */
function github(keys: readonly Buffer[]): SignatureVerifier {
  return (headers, body) => {
    const signature = one(headers, 'x-hub-signature-256')
    if (signature === undefined) return missing('x-hub-signature-256')
    const candidates = listed(signature, ',', 'sha256=', 'hex')
    if (!matchesAny(keys, 'sha256', '', body, candidates)) return mismatch('x-hub-signature-256')
    const deliveryId = one(headers, 'x-github-delivery')
    if (deliveryId === undefined || deliveryId.length > MAX_DELIVERY_ID_LENGTH) return missing('x-github-delivery')
    return { valid: true, deliveryId }
  }
}

/** Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>…]` over `<t>.<body>`. */
function stripe(keys: readonly Buffer[], toleranceMs: number): SignatureVerifier {
  return (headers, body, nowMs) => {
    const signature = one(headers, 'stripe-signature')
    if (signature === undefined) return missing('stripe-signature')
    const times = signature.split(',', MAX_SIGNATURES).filter(part => part.trim().startsWith('t='))
    if (times.length !== 1) return invalid('stripe-signature has no single t=')
    const timestamp = times[0]!.trim().slice('t='.length)
    const late = outsideTolerance(timestamp, 't of stripe-signature', nowMs, toleranceMs)
    if (late !== undefined) return late
    const candidates = listed(signature, ',', 'v1=', 'hex')
    return matchesAny(keys, 'sha256', `${timestamp}.`, body, candidates)
      ? { valid: true }
      : mismatch('stripe-signature')
  }
}

/** Slack: `X-Slack-Signature: v0=<hex>` over `v0:<timestamp>:<body>`. */
function slack(keys: readonly Buffer[], toleranceMs: number): SignatureVerifier {
  return (headers, body, nowMs) => {
    const signature = one(headers, 'x-slack-signature')
    const timestamp = one(headers, 'x-slack-request-timestamp')
    if (signature === undefined) return missing('x-slack-signature')
    if (timestamp === undefined) return missing('x-slack-request-timestamp')
    const late = outsideTolerance(timestamp, 'x-slack-request-timestamp', nowMs, toleranceMs)
    if (late !== undefined) return late
    const candidates = listed(signature, ',', 'v0=', 'hex')
    return matchesAny(keys, 'sha256', `v0:${timestamp}:`, body, candidates)
      ? { valid: true }
      : mismatch('x-slack-signature')
  }
}

function genericHmac(
  config: Extract<HttpVerifyConfig, { scheme: 'hmac' }>,
  keys: readonly Buffer[],
): SignatureVerifier {
  const { algorithm, encoding, prefix, toleranceMs } = config
  const header = config.header.toLowerCase()
  const timestampHeader = config.timestampHeader?.toLowerCase()
  return (headers, body, nowMs) => {
    const signature = one(headers, header)
    if (signature === undefined) return missing(header)
    let signedPrefix = ''
    if (timestampHeader !== undefined) {
      const timestamp = one(headers, timestampHeader)
      if (timestamp === undefined) return missing(timestampHeader)
      const late = outsideTolerance(timestamp, timestampHeader, nowMs, toleranceMs)
      if (late !== undefined) return late
      signedPrefix = `${timestamp}.`
    }
    const candidates = listed(signature, ',', prefix, encoding)
    return matchesAny(keys, algorithm, signedPrefix, body, candidates) ? { valid: true } : mismatch(header)
  }
}

/** Tries every signature with every active secret, without stopping at the first that fits. */
function matchesAny(
  keys: readonly Buffer[],
  algorithm: string,
  signedPrefix: string,
  body: Buffer,
  candidates: readonly Buffer[],
): boolean {
  let found = false
  for (const key of keys) {
    const digest = createHmac(algorithm, key).update(signedPrefix).update(body).digest()
    for (const candidate of candidates) {
      // The length of a digest is no secret, and timingSafeEqual takes equal lengths only.
      if (candidate.length === digest.length && timingSafeEqual(candidate, digest)) found = true
    }
  }
  return found
}

const canonical = { hex: /^[0-9a-f]+$/i, base64: /^[A-Za-z0-9+/]+={0,2}$/ } as const

/** The decoded signatures in a list that carry the given prefix; others (newer versions) are passed over. */
function listed(value: string, separator: string, prefix: string, encoding: 'hex' | 'base64'): Buffer[] {
  const found: Buffer[] = []
  for (const part of value.split(separator, MAX_SIGNATURES)) {
    const item = part.trim()
    if (!item.startsWith(prefix)) continue
    const text = item.slice(prefix.length)
    // Buffer.from skips what it does not know, so that different texts would decode to the same bytes.
    if (canonical[encoding].test(text)) found.push(Buffer.from(text, encoding))
  }
  return found
}

/** A verdict when the signed time cannot be read or lies outside of the replay window. */
function outsideTolerance(
  seconds: string,
  name: string,
  nowMs: number,
  toleranceMs: number,
): SignatureVerdict | undefined {
  if (!/^[0-9]{1,12}$/.test(seconds)) return invalid(`${name} is not a Unix time in seconds`)
  const distanceMs = nowMs - Number(seconds) * 1000
  if (distanceMs > toleranceMs) return invalid(`${name} is too old; check the clock of the sender`)
  if (distanceMs < -toleranceMs) return invalid(`${name} lies in the future; check the clock of the sender`)
  return undefined
}

/** The value of a header that must stand exactly once; Node joins some repeated headers with a comma, which no scheme signs. */
function one(headers: RequestHeaders, name: string): string | undefined {
  const value = headers[name]
  if (typeof value !== 'string' || value === '' || value.length > MAX_HEADER_LENGTH) return undefined
  return value
}

const invalid = (problem: string): SignatureVerdict => ({ valid: false, problem })
const missing = (header: string): SignatureVerdict => invalid(`the header ${header} is missing, repeated or too long`)
const mismatch = (header: string): SignatureVerdict => invalid(`no signature in ${header} fits the body and a secret`)

const utf8Key = (secret: string): Buffer => Buffer.from(secret, 'utf8')

/** `whsec_<base64>`, the prefix being optional. */
function standardWebhooksKey(secret: string, index: number): Buffer {
  const text = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret
  const key = Buffer.from(text, 'base64')
  // The specification asks for 24 to 64 bytes; shorter keys exist in the field, empty or mistyped ones must not.
  if (!canonical.base64.test(text) || key.length < 16) {
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      `verify.secrets[${index}] is no Standard Webhooks secret: write whsec_ and the base64 of 24 to 64 random bytes`,
    )
  }
  return key
}
