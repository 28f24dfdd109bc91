// `npm ci` in a clone builds the dashboard, so that `npm start` needs no other step. Where the tools of development are not
// installed (production, a packed tarball), there is nothing to build.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
let vite
try {
  vite = join(dirname(require.resolve('vite/package.json')), 'bin/vite.js')
} catch {
  process.exit(0)
}
const root = new URL('..', import.meta.url)
const argv = [vite, 'build', '--logLevel', 'warn', '-c', 'src/dashboard/vite.config.ts']
const { status } = spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit' })
process.exit(status ?? 1)
