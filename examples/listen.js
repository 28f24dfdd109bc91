// Stands in for a service that an example calls: prints each request and takes it. node listen.js [port]
import { createServer } from 'http'

const port = Number(process.argv[2] || 9090)

createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', text => (body += text))
  request.on('end', () => {
    console.log(`${request.method} ${request.url} ${body}`)
    response.writeHead(201, { 'content-type': 'application/json' })
    response.end('{"ok":true}')
  })
}).listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}`))
