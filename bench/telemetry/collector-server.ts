// Takes OTLP exports and throws them away, in a process of its own, so that only the sending is measured.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveUntilTerm } from '../http/serve-until-term.ts'

let exports = 0
const server = createServer((request, response) => {
  exports++
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
})
server.listen(0, '127.0.0.1', () => {
  serveUntilTerm(
    (server.address() as AddressInfo).port,
    () => exports,
    () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  )
})
