// As record.mjs, and hands the event on as its result.
import record, { init } from './record.mjs'

export { init }

export default async function handler(event, context) {
  await record(event, context)
  return event.data
}
