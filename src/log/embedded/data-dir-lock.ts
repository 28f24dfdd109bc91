import { randomUUID } from 'node:crypto'
import { link, mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '../../errors/sluice-error.ts'

/** An exclusive hold of a data directory. */
export interface DataDirectoryLock {
  /** Gives the directory free; idempotent. A process that dies without it leaves a stale lock, which the next one takes over. */
  release(): Promise<void>
}

interface LockHolder {
  readonly pid: number
  /** Identity of this run of the machine: no process outlives it. Empty where the system does not tell. */
  readonly bootId: string
  /** When the process began, in the kernel's own count: a recycled pid has another one. Empty where unknown. */
  readonly startTime: string
  readonly isReleased: boolean
}

/**
 * Takes the directory for this process.
 *
 * Locks are files with rising numbers, and the highest one counts. Whoever finds it dead or released creates the next
 * number with `link`, which is atomic and refuses an existing name, so of two takers one loses. Numbers never fall, not
 * even on release, and only lower ones are ever deleted: a slow taker can never remove or undercut a living lock.
 * Processes are told apart within one pid namespace: do not share a data directory between containers.
 *
 * @throws {SluiceError} SLUICE_LOG_LOCKED, naming the process that holds it.
 */
export async function lockDataDirectory(directory: string): Promise<DataDirectoryLock> {
  await mkdir(directory, { recursive: true })
  const holder: LockHolder = { ...(await identityOf(process.pid)), pid: process.pid, isReleased: false }
  for (;;) {
    const numbers = await lockNumbers(directory)
    const highest = numbers.at(-1) ?? 0
    if (highest > 0) {
      const current = await readHolder(directory, highest)
      if (current === 'gone') continue
      if (current !== undefined && (await isAlive(current))) throw lockedBy(directory, current)
    }
    const number = highest + 1
    if (!(await create(directory, number, holder))) continue
    // A slow taker may have looked before others took, died and were tidied away: only the highest number holds.
    const now = await lockNumbers(directory)
    if (now.at(-1) !== number) {
      await remove(join(directory, lockName(number)))
      continue
    }
    for (const lower of now) if (lower < number) await remove(join(directory, lockName(lower)))
    return lockOf(directory, number, holder)
  }
}

function lockOf(directory: string, number: number, holder: LockHolder): DataDirectoryLock {
  let released: Promise<void> | undefined
  return {
    release() {
      // Where even this cannot be written, the lock is stale as soon as the process has ended.
      released ??= markReleased(directory, number, holder).catch(() => undefined)
      return released
    },
  }
}

async function markReleased(directory: string, number: number, holder: LockHolder): Promise<void> {
  const draft = join(directory, `lock.draft-${randomUUID()}`)
  try {
    await writeFile(draft, JSON.stringify({ ...holder, isReleased: true }), { flag: 'wx' })
    await rename(draft, join(directory, lockName(number)))
  } catch (error) {
    await remove(draft)
    throw error
  }
}

const lockName = (number: number): string => `lock.${number}`

async function lockNumbers(directory: string): Promise<number[]> {
  const numbers = (await readdir(directory)).flatMap(name => {
    const match = /^lock\.(\d+)$/.exec(name)
    return match === null ? [] : [Number(match[1])]
  })
  return numbers.sort((a, b) => a - b)
}

/** Creates a lock with its contents in one step; false when the number is taken. */
async function create(directory: string, number: number, holder: LockHolder): Promise<boolean> {
  const draft = join(directory, `lock.draft-${randomUUID()}`)
  await writeFile(draft, JSON.stringify(holder), { flag: 'wx' })
  try {
    await link(draft, join(directory, lockName(number)))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await remove(draft)
  }
}

/** Undefined when the file does not say who holds it: it was damaged, for it is created whole. */
async function readHolder(directory: string, number: number): Promise<LockHolder | 'gone' | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, lockName(number)), 'utf8'))
    const { pid } = (value ?? {}) as Partial<LockHolder>
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 ? (value as LockHolder) : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone'
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

async function isAlive(holder: LockHolder): Promise<boolean> {
  if (holder.isReleased) return false
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const running = await identityOf(holder.pid)
  return running.bootId === holder.bootId && (running.startTime === '' || running.startTime === holder.startTime)
}

async function identityOf(pid: number): Promise<{ bootId: string; startTime: string }> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
  const bootId = (await read('/proc/sys/kernel/random/boot_id')).trim()
  // The name of the program, in parentheses, may hold anything; the 20th field after it is the start time (proc(5)).
  const stat = await read(`/proc/${pid}/stat`)
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  return { bootId, startTime }
}

function lockedBy(directory: string, { pid }: LockHolder): SluiceError {
  return new SluiceError(
    'SLUICE_LOG_LOCKED',
    `the data directory ${directory} is in use by process ${pid}; stop that process or configure another directory`,
    { details: { directory, pid } },
  )
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}
