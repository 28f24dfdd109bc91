import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Daemons live there on Debian and Homebrew, and the path of an ordinary user leaves them out. */
const DAEMON_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin']

/** The full path of a program, or undefined. */
export function findProgram(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...DAEMON_DIRECTORIES]
  return directories.map(directory => join(directory, name)).find(isExecutable)
}

/** The browser of the dashboard tests: `CHROMIUM_PATH`, Debian's Chromium, or Chrome. */
export function findChromium(): string | undefined {
  const chosen = process.env['CHROMIUM_PATH']
  if (chosen) return isExecutable(chosen) ? chosen : undefined
  return ['chromium', 'chromium-browser', 'google-chrome'].map(findProgram).find(path => path !== undefined)
}

/** The `java` of `JAVA_HOME`, else of the path. */
export function findJava(): string | undefined {
  const home = process.env['JAVA_HOME']
  const ofHome = home ? join(home, 'bin', 'java') : undefined
  return ofHome && isExecutable(ofHome) ? ofHome : findProgram('java')
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
