// For --import: the process believes that it is later, by as many ms as the file clock-shift beside its configuration says.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const config = process.argv[process.argv.indexOf('--config') + 1]
const file = join(dirname(config), 'clock-shift')
const shiftMs = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
const now = Date.now
Date.now = () => now() + shiftMs
