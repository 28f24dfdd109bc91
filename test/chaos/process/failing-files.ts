import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/**
 * Loaded with `--import` into the gateway of an experiment: after SIGUSR2 the next call of one kind on a segment of a
 * log fails as a broken disk lets it fail. Nothing of it stands in the product.
 */
type Done = (error: NodeJS.ErrnoException | null, ...rest: unknown[]) => void
type Call = (fd: number, ...rest: unknown[]) => void

const kind = process.env['FAILING_CALL']
let isArmed = false

process.on('SIGUSR2', () => {
  isArmed = true
})

function failing(name: string, call: Call): Call {
  return (fd, ...rest) => {
    if (!isArmed || !isSegment(fd)) return call(fd, ...rest)
    isArmed = false
    process.stderr.write(`${name} failed\n`)
    const done = rest.at(-1) as Done
    const error = Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO', errno: -5, syscall: name })
    setImmediate(() => done(error))
  }
}

function isSegment(fd: number): boolean {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`).endsWith('.segment')
  } catch {
    return false
  }
}

const patched = fs as unknown as Record<'write' | 'writev' | 'fdatasync', Call>
if (kind === 'write') {
  patched.write = failing('write', patched.write)
  patched.writev = failing('write', patched.writev)
} else if (kind === 'sync') patched.fdatasync = failing('sync', patched.fdatasync)
syncBuiltinESMExports()
