// A batch handler: one event that it cannot take fails the whole call; writes down all others.
import record, { init } from './record.mjs'

export { init }

export default async (events, context) => {
  for (const { data } of events) if (data.act === 'throw') throw new Error(`cannot import ${data.id}`)
  for (const event of events) await record(event, context)
}
