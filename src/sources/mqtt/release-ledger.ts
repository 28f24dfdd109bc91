import { mkdir, open, readFile, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SluiceError } from '../../errors/sluice-error.ts'

/**
 * What is remembered of QoS 2 senders across restarts: how often each packet identifier was released (PUBREL).
 *
 * A QoS 2 message is recognised by its client, its packet identifier and the number of releases before it. The event
 * itself carries that id (see qos2-ids.ts); but identifiers are used again after PUBREL, and a message that reuses one must not
 * be taken for the old one. So a release is durable before PUBCOMP allows the client to reuse the identifier.
 */
export interface ReleaseLedger {
  /** The use of a packet identifier that is open now. */
  generation(clientId: string, messageId: number): string
  /** Ends that use; durable when it resolves. */
  release(clientId: string, messageId: number): Promise<void>
  /** The client began a clean session: nothing that was open before counts any more. Durable when it resolves. */
  reset(clientId: string): Promise<void>
  close(): Promise<void>
}

interface ClientReleases {
  /** Tells the sessions of one client apart. */
  session: number
  touchedMs: number
  readonly releases: Map<number, number>
}

/** One line of the file: a client's release count of an identifier, or its session number. */
type Line = { c: string; s: number; t: number; m?: number; n?: number }

/** Longer than any deduplication window: what is older cannot be mistaken for anything. */
const keptMs = 7 * 86_400_000
const compactAtLines = 100_000

/** @param path absent: nothing survives the process, which is right for a log that does not either. */
export async function openReleaseLedger(path: string | undefined): Promise<ReleaseLedger> {
  const ledger = new FileReleaseLedger(path)
  await ledger.load()
  return ledger
}

class FileReleaseLedger implements ReleaseLedger {
  readonly #path: string | undefined
  readonly #clients = new Map<string, ClientReleases>()
  #file: FileHandle | undefined
  #lines = 0
  #waiting: { text: string; resolve: () => void; reject: (error: unknown) => void }[] = []
  #writing: Promise<void> | undefined
  #failure: unknown

  constructor(path: string | undefined) {
    this.#path = path
  }

  async load(): Promise<void> {
    if (this.#path === undefined) return
    await mkdir(dirname(this.#path), { recursive: true })
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    const oldestMs = Date.now() - keptMs
    for (const line of text.split('\n')) {
      const entry = parseLine(line)
      if (entry === undefined || entry.t < oldestMs) continue
      const client = this.#client(entry.c)
      if (entry.s !== client.session) client.releases.clear()
      client.session = entry.s
      client.touchedMs = entry.t
      if (entry.m !== undefined && entry.n !== undefined) client.releases.set(entry.m, entry.n)
    }
    await this.#compact()
  }

  generation(clientId: string, messageId: number): string {
    const client = this.#clients.get(clientId)
    return `${client?.session ?? 0}.${client?.releases.get(messageId) ?? 0}`
  }

  async release(clientId: string, messageId: number): Promise<void> {
    const client = this.#client(clientId)
    const count = (client.releases.get(messageId) ?? 0) + 1
    client.releases.set(messageId, count)
    client.touchedMs = Date.now()
    await this.#append({ c: clientId, s: client.session, t: client.touchedMs, m: messageId, n: count })
  }

  async reset(clientId: string): Promise<void> {
    const client = this.#clients.get(clientId)
    if (client === undefined) return
    client.session += 1
    client.releases.clear()
    client.touchedMs = Date.now()
    await this.#append({ c: clientId, s: client.session, t: client.touchedMs })
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file?.close()
    this.#file = undefined
  }

  #client(clientId: string): ClientReleases {
    let client = this.#clients.get(clientId)
    if (client === undefined) this.#clients.set(clientId, (client = { session: 0, touchedMs: 0, releases: new Map() }))
    return client
  }

  #append(line: Line): Promise<void> {
    if (this.#path === undefined) return Promise.resolve()
    if (this.#failure !== undefined || this.#file === undefined) {
      return Promise.reject(
        new SluiceError('SLUICE_MQTT_BROKER', `${this.#path} cannot be written; QoS 2 messages are not completed`, {
          cause: this.#failure,
        }),
      )
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text: `${JSON.stringify(line)}\n`, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  /** What comes in while one group is synced is the next group. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        if (this.#lines > compactAtLines) await this.#compact()
        await this.#file!.appendFile(group.map(({ text }) => text).join(''))
        await this.#file!.datasync()
        this.#lines += group.length
        for (const { resolve } of group) resolve()
      } catch (error) {
        // After a failed sync nobody knows what is on disk; the embedded log treats its own the same way.
        this.#failure = error
        for (const { reject } of [...group, ...this.#waiting]) reject(error)
        this.#waiting = []
      }
    }
    this.#writing = undefined
  }

  async #compact(): Promise<void> {
    const path = this.#path as string
    const lines: string[] = []
    for (const [c, { session: s, touchedMs: t, releases }] of this.#clients) {
      lines.push(JSON.stringify({ c, s, t } satisfies Line))
      for (const [m, n] of releases) lines.push(JSON.stringify({ c, s, t, m, n } satisfies Line))
    }
    const next = `${path}.next`
    const file = await open(next, 'w')
    await file.writeFile(lines.map(line => `${line}\n`).join(''))
    await file.sync()
    await rename(next, path)
    await this.#file?.close()
    this.#file = file
    this.#lines = lines.length
    const directory = await open(dirname(path))
    await directory.sync()
    await directory.close()
  }
}

/** Undefined for the torn last line of a crash: it was never answered. */
function parseLine(text: string): Line | undefined {
  if (text === '') return undefined
  try {
    const line = JSON.parse(text) as Line
    return typeof line.c === 'string' && Number.isInteger(line.s) && Number.isFinite(line.t) ? line : undefined
  } catch {
    return undefined
  }
}
