import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fastifyStatic } from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/** Where the dashboard is; `/` leads there when no source has that path. */
export const dashboardPath = '/dashboard/'

/** What a build makes lies beside the code, whether that runs from sources or is built: both are one level below the package. */
const builtDashboard = join(import.meta.dirname, '../../dist/dashboard')

/**
 * Nothing but what the gateway itself serves: no other host, no inline script or style, no frame around it. (W3C Content
 * Security Policy Level 3.)
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
} as const

/** Serves the dashboard: files without secrets, so that they need no token; what they ask the API for does. */
export async function serveDashboard(app: FastifyInstance, directory = builtDashboard): Promise<void> {
  if (!existsSync(join(directory, 'index.html'))) {
    app.get(dashboardPath, (_request, reply) => reply.code(503).headers(headers).type('text/plain').send(notBuilt))
    return
  }
  await app.register(fastifyStatic, {
    root: directory,
    prefix: dashboardPath,
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      for (const [name, value] of Object.entries(headers)) reply.header(name, value)
      // Names of assets carry their content's hash; the page that names them does not.
      const isAsset = path.includes('assets')
      reply.header('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  app.get(dashboardPath.slice(0, -1), (_request, reply) => reply.redirect(dashboardPath, 308))
}

const notBuilt = 'The dashboard is not built: run `npm run build:dashboard`, and start the gateway again.\n'
