import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/**
 * Loaded with `--import` into the gateway of an experiment: after SIGUSR2 the process kills itself when the next write to
 * a segment of a log is through, before anybody is told. Nothing of it stands in the product.
 */
type Done = (...outcome: unknown[]) => void
type Call = (fd: number, ...rest: unknown[]) => void

let isArmed = false
process.on('SIGUSR2', () => {
  isArmed = true
})

function killing(call: Call): Call {
  return (fd, ...rest) => {
    if (!isArmed || !fs.readlinkSync(`/proc/self/fd/${fd}`).endsWith('.segment')) return call(fd, ...rest)
    const done = rest.at(-1) as Done
    call(fd, ...rest.slice(0, -1), (...outcome: unknown[]) => {
      process.kill(process.pid, 'SIGKILL')
      done(...outcome)
    })
  }
}

const patched = fs as unknown as Record<'write' | 'writev', Call>
patched.write = killing(patched.write)
patched.writev = killing(patched.writev)
syncBuiltinESMExports()
