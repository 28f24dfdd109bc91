import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import { serveUntilTerm } from './serve-until-term.ts'

/** The raw limit: Fastify takes the body as bytes and answers 202, and keeps nothing. */
const app = fastify({ logger: false })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
let taken = 0
app.post('/hook', (_request, reply) => {
  taken++
  reply
    .code(202)
    .type('application/json')
    .send('{"id":"00000000-0000-0000-0000-000000000000","partition":0,"offset":0}')
})
await app.listen({ host: '127.0.0.1', port: 0 })
serveUntilTerm(
  (app.server.address() as AddressInfo).port,
  () => taken,
  () => app.close(),
)
