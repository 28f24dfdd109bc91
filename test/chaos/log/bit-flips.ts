import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, exactly, told } from '../figure.ts'
import { partSeed, seededRandom, type Random } from '../random.ts'
import { FinishedLog, readAsGroup } from './finished-log.ts'
import { sectorBytes } from './sector-disk.ts'

export interface BitFlipResult {
  flips: number
  /** Of them, whole sectors of random bytes instead of one bit. */
  sectors: number
  /** Records that were hit and are reported, not served. */
  confined: number
  /** Records that were not hit and not served. */
  lostBehind: number
  bad: number
  /** Hit records of which nobody was told. */
  unreported: number
  others: number
  readonly findings: string[]
}

const flipsPerLog = 100
const sectorShare = 0.1
const maxFindings = 10

/** Damages one log, in one place at a time, and reads it as a new group and record by record. */
export async function flipBits(seed: number, result: BitFlipResult, limit = Infinity): Promise<void> {
  const random = seededRandom(seed)
  const log = await FinishedLog.write(seed, random.pick([1_500, 4_000, 1_000_000]), 40)
  for (let flip = 0; flip < flipsPerLog && result.flips < limit; flip++) await damageOnce(log, random, result, seed)
}

async function damageOnce(log: FinishedLog, random: Random, result: BitFlipResult, seed: number): Promise<void> {
  result.flips++
  const file = random.pick([...log.files.keys()])
  const contents = Buffer.from(log.files.get(file)!)
  let from = random.below(contents.length)
  let end = from + 1
  if (random.chance(sectorShare)) {
    result.sectors++
    from -= from % sectorBytes
    end = Math.min(contents.length, from + sectorBytes)
    for (let at = from; at < end; at++) contents[at] = random.below(256)
  } else contents[from] = contents[from]! ^ (1 << random.below(8))
  const name = `seed ${seed}, bytes ${from} to ${end} of ${file}`
  const note = (kind: 'lostBehind' | 'bad' | 'unreported' | 'others', what: string): void => {
    result[kind]++
    if (result.findings.length < maxFindings) result.findings.push(`${name}: ${what}`)
  }
  try {
    const opened = await openEmbeddedLog(log.optionsWith(new Map([[file, contents]])))
    const hit = log.hit(file, from, end)
    const browsed: string[] = []
    for (const partition of (await opened.ends()).keys())
      for (const { value } of await opened.browse(partition, 0, Infinity))
        browsed.push(log.written.find(value!)?.id ?? 'bytes that nobody wrote')
    const { ids, missing } = await readAsGroup(opened)
    const served = ids(log.written)
    if (served.toSorted().join() !== browsed.toSorted().join())
      note('others', 'a group and a browser see different records')
    const isServed = new Set(served)
    for (const id of served) if (!log.written.records.has(id)) note('bad', `${id} was served`)
    if (isServed.size < served.length) note('bad', 'a record was served twice')
    for (const id of log.written.records.keys()) {
      if (isServed.has(id)) continue
      if (hit.has(id)) result.confined++
      else note('lostBehind', `${id} was not hit and is not served`)
    }
    const { damaged, truncatedBytes } = opened.stats()
    const lost = [...log.written.records.values()].filter(({ id }) => !isServed.has(id))
    if (lost.length > 0 && damaged + truncatedBytes === 0)
      note('unreported', `${lost.length} lost, and no damage is told`)
    // A new group can be told of a gap only between what it is served; before, its partition begins later.
    const newest = newestServed(log, isServed)
    const lows = (await opened.ends()).map(({ low }) => low)
    const inside = lost.filter(
      ({ partition, offset }) => offset! >= lows[partition]! && offset! < (newest.get(partition) ?? -1),
    ).length
    if (missing < inside)
      note('unreported', `${inside} lost inside of their partitions, and a group is told ${missing}`)
    await opened.close()
  } catch (error) {
    note('others', String(error))
  }
}

function newestServed(log: FinishedLog, served: ReadonlySet<string>): Map<number, number> {
  const newest = new Map<number, number>()
  for (const { id, partition, offset } of log.written.records.values())
    if (served.has(id)) newest.set(partition, Math.max(newest.get(partition) ?? -1, offset!))
  return newest
}

export const bitFlips = defineExperiment({
  name: 'bit-flips',
  proves:
    'A flipped bit or an overwritten sector costs the records it hits, which are reported, and nothing before or behind them.',
  full: { flips: 50_000 },
  short: { flips: 4_000 },
  async run({ size, seed, progress }) {
    const result = emptyBitFlipResult()
    let logs = 0
    while (result.flips < size.flips) {
      await flipBits(partSeed(seed, logs++), result, size.flips)
      progress(result.flips, size.flips, `${logs} logs`)
    }
    return {
      figures: [
        atLeast('bits flipped or sectors overwritten', result.flips, size.flips),
        exactly('records lost that were not hit', result.lostBehind, 0),
        exactly('bad records served', result.bad, 0),
        exactly('losses not reported', result.unreported, 0),
        exactly('other violations', result.others, 0),
        told('hit records, reported', result.confined),
        told('sectors overwritten', result.sectors),
      ],
      findings: result.findings,
    }
  },
})

export function emptyBitFlipResult(): BitFlipResult {
  return { flips: 0, sectors: 0, confined: 0, lostBehind: 0, bad: 0, unreported: 0, others: 0, findings: [] }
}
