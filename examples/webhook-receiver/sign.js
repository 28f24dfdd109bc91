// Prints the curl arguments that sign a body as Standard Webhooks asks for: node sign.js <body>
// The secret is SHOP_WEBHOOK_SECRET, or the one that config/standalone.yaml has for trying things out.
import { createHmac, randomBytes } from 'crypto'

const secret = process.env.SHOP_WEBHOOK_SECRET || 'whsec_c2x1aWNlLWV4YW1wbGUtc2VjcmV0LTEyMzQ='
const id = 'msg_' + randomBytes(8).toString('hex')
const seconds = Math.floor(Date.now() / 1000)
const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
const signature = createHmac('sha256', key).update(`${id}.${seconds}.${process.argv[2]}`).digest('base64')
process.stdout.write(`-H webhook-id:${id} -H webhook-timestamp:${seconds} -H webhook-signature:v1,${signature}\n`)
