import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, exactly, told } from '../figure.ts'
import { partSeed, seededRandom, type Random } from '../random.ts'
import { FinishedLog, readAsGroup } from './finished-log.ts'

export interface TornTailResult {
  cuts: number
  /** Complete records that were not served. */
  missing: number
  /** Records that were served and are not complete, or were never written. */
  bad: number
  /** Whatever else went wrong: a log that cannot be opened, or not be written afterwards. */
  others: number
  readonly findings: string[]
}

/** Records at the end of a log that are cut at every byte. */
const lastRecords = 3
const maxFindings = 10

type Tail = 'cut' | 'zeros' | 'garbage'

/** Cuts one log at every byte of its last records; what is cut is missing, or zeros, or anything. */
export async function tearTail(seed: number, result: TornTailResult, limit = Infinity): Promise<void> {
  const random = seededRandom(seed)
  const log = await FinishedLog.write(seed, random.pick([2_000, 1_000_000]), 14)
  const contents = log.files.get(log.lastFile)!
  const ends = log.places.filter(({ file }) => file === log.lastFile).map(({ end }) => end)
  const from = ends.sort((a, b) => a - b).at(-1 - lastRecords) ?? 64
  for (let cut = from; cut <= contents.length; cut++) {
    for (const tail of ['cut', 'zeros', 'garbage'] as const) {
      if (result.cuts >= limit) return
      result.cuts++
      await check(log, cut, tail, result, `seed ${seed}, ${tail} at ${cut} of ${contents.length}`, random)
    }
  }
}

async function check(
  log: FinishedLog,
  cut: number,
  tail: Tail,
  result: TornTailResult,
  name: string,
  random: Random,
): Promise<void> {
  const note = (kind: 'missing' | 'bad' | 'others', what: string): void => {
    result[kind]++
    if (result.findings.length < maxFindings) result.findings.push(`${name}: ${what}`)
  }
  const whole = log.files.get(log.lastFile)!
  const torn = tornOf(whole, cut, tail, random)
  // A byte that is cut and was zero is not missing where zeros follow.
  const isWhole = (end: number): boolean =>
    end <= torn.length && torn.subarray(cut, end).equals(whole.subarray(cut, end))
  const complete = new Set(
    log.places
      .filter(({ file, end }) => file !== log.lastFile || end <= cut || isWhole(end))
      .map(place => place.written.id),
  )
  try {
    const opened = await openEmbeddedLog(log.optionsWith(new Map([[log.lastFile, torn]])))
    const { ids } = await readAsGroup(opened)
    const served = ids(log.written)
    for (const id of served) if (!complete.delete(id)) note('bad', `${id} was served`)
    for (const id of complete) note('missing', `${id} is complete and was not served`)
    if (tail === 'cut' && opened.stats().damaged > 0) note('others', 'a torn tail was taken for damage')
    const { end } = (await opened.ends())[0]!
    const written = log.written.create(0, 40, random)
    if ((await opened.append(0, [written.record])) !== end) note('others', 'the next append went elsewhere')
    await opened.close()
    log.written.records.delete(written.id)
  } catch (error) {
    note('others', String(error))
  }
}

function tornOf(whole: Buffer, cut: number, tail: Tail, random: Random): Buffer {
  if (tail === 'cut') return Buffer.from(whole.subarray(0, cut))
  const torn = Buffer.alloc(whole.length)
  whole.copy(torn, 0, 0, cut)
  if (tail === 'garbage') for (let at = cut; at < torn.length; at++) torn[at] = random.below(256)
  return torn
}

export const tornTail = defineExperiment({
  name: 'torn-tail',
  proves: 'Wherever the last records are torn, every complete record is served, nothing else is, and writing goes on.',
  full: { cuts: 100_000 },
  short: { cuts: 6_000 },
  async run({ size, seed, progress }) {
    const result: TornTailResult = { cuts: 0, missing: 0, bad: 0, others: 0, findings: [] }
    let logs = 0
    while (result.cuts < size.cuts) {
      await tearTail(partSeed(seed, logs++), result, size.cuts)
      progress(result.cuts, size.cuts, `${logs} logs`)
    }
    return {
      figures: [
        atLeast('cuts', result.cuts, size.cuts),
        exactly('complete records not served', result.missing, 0),
        exactly('bad records served', result.bad, 0),
        exactly('other violations', result.others, 0),
        told('logs', logs),
      ],
      findings: result.findings,
    }
  },
})
