import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/** Ends the watch, after an orderly stop. */
export type Unleash = () => void

/**
 * Kills `pid` when this process ends, however it ends, SIGKILL included.
 *
 * A small shell holds the reading end of a pipe whose writing end lives only here; the kernel closes it with us. This
 * covers what an 'exit' handler can not: a test runner that kills its forks leaves no broker behind.
 */
export function leashProcess(pid: number): Unleash {
  return watch('kill -9 "$1" 2>/dev/null', String(pid))
}

/** Removes a temporary directory when this process ends, however it ends. */
export function leashDirectory(directory: string): Unleash {
  // Leashed processes that write there die at the same moment; what they still write must not survive.
  return watch('sleep 1; rm -rf "$1"', directory)
}

function watch(action: string, argument: string): Unleash {
  const watcher = spawn('sh', ['-c', `cat >/dev/null; ${action}`, 'leash', argument], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    // Its own group, or Ctrl-C in the terminal would end the watcher before it has done its work.
    detached: true,
  })
  watcher.on('error', () => {})
  watcher.stdin.on('error', () => {})
  watcher.unref()
  ;(watcher.stdin as Socket).unref()
  return () => {
    watcher.kill('SIGKILL')
    watcher.stdin.destroy()
  }
}
