import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { apiPath, createApiClient, orNone, type ApiClient } from '../../src/cli/api-client.ts'
import { readLines } from '../../src/cli/read-lines.ts'
import { startMemoryGateway, type MemoryGateway } from './memory-gateway.ts'

let server: Server | undefined
let gateway: MemoryGateway | undefined
afterEach(async () => {
  await gateway?.close()
  await new Promise(resolve => (server === undefined ? resolve(undefined) : server.close(resolve)))
  server = gateway = undefined
})

/** A server that answers everything so. */
async function answering(status: number, contentType: string, body: string): Promise<ApiClient> {
  server = createServer((_request, response) => response.writeHead(status, { 'content-type': contentType }).end(body))
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
  return createApiClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` })
}

describe('apiPath', () => {
  it('escapes every part', () => {
    expect(apiPath('functions', 'a/b?c#d', 'versions', 3)).toBe('/v1/functions/a%2Fb%3Fc%23d/versions/3')
    expect(apiPath('triggers', 'source:web', 'dead-letters')).toBe('/v1/triggers/source%3Aweb/dead-letters')
  })

  it.each(['', '.', '..'])("refuses '%s', which a URL would take away", name => {
    expect(() => apiPath('functions', name)).toThrow(`'${name}' is no name`)
  })
})

describe('the client', () => {
  it('sends the token, and says how to give one', async () => {
    gateway = await startMemoryGateway({ token: 'secret' })
    const { url } = gateway
    await expect(createApiClient({ url, token: 'secret' }).list('/v1/functions')).resolves.toEqual([])
    await expect(createApiClient({ url }).list('/v1/functions')).rejects.toThrow(
      /401 SLUICE_API_UNAUTHORIZED: .*\(--token or SLUICE_TOKEN\)/,
    )
  })

  it('tells refusals by status and code, and lets nothing through that a terminal obeys', async () => {
    const client = await answering(422, 'application/problem+json', '{"code":"X\\u001b[2J","detail":"a\\u009bb\\nc"}')
    await expect(client.json('GET', '/x')).rejects.toMatchObject({
      code: 'SLUICE_CLI_REFUSED',
      message: 'the gateway answered 422 X [2J: a b\nc',
      details: { status: 422 },
    })
  })

  it.each([
    ['a page of a proxy', 502, 'text/html', '<h1>bad gateway</h1>', 'the gateway answered 502'],
    ['JSON that is no problem', 500, 'application/json', 'null', 'the gateway answered 500'],
    ['JSON that is none', 500, 'application/json', '{', 'the gateway answered 500'],
    ['success without JSON', 200, 'text/html', '<h1>hello</h1>', 'it is no Sluice gateway'],
  ])('takes %s for what it is', async (_what, status, contentType, body, expected) => {
    const client = await answering(status, contentType, body)
    await expect(client.json('GET', '/x')).rejects.toThrow(expected)
  })

  it('finds out what is not there', async () => {
    await expect(orNone((await answering(404, 'text/plain', '')).json('GET', '/x'))).resolves.toBeUndefined()
  })

  it('says that nothing listens, and what to do', async () => {
    await expect(createApiClient({ url: 'http://127.0.0.1:1' }).json('GET', '/x')).rejects.toMatchObject({
      code: 'SLUICE_CLI_UNREACHABLE',
      message: expect.stringMatching(/^no gateway at http:\/\/127\.0\.0\.1:1 \(.*\); start one with `sluice start`/),
    })
    expect(() => createApiClient({ url: 'ftp://x' })).toThrow('--url must be like')
  })
})

describe('readLines', () => {
  it('reads lines whatever the chunks, characters included', async () => {
    const bytes = Buffer.from('größe\n\n価格\nlast')
    for (let size = 1; size < bytes.length; size++) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      )
      const lines: string[] = []
      for await (const line of readLines(ReadableStream.from(chunks) as unknown as AsyncIterable<Uint8Array>))
        lines.push(line)
      expect(lines).toEqual(['größe', '価格', 'last'])
    }
  })
})
