// Fails, or loops for ever, where the event says so; writes down all others.
import record, { init } from './record.mjs'

export { init }

export default (event, context) => {
  if (event.data.act === 'throw') throw new Error(`cannot digest ${event.data.id}`)
  if (event.data.act === 'loop') for (;;);
  return record(event, context)
}
