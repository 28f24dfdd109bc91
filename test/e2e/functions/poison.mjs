// Fails, loops for ever, or ends its worker or the whole process, where the event says so; writes down all others.
import record, { init } from './record.mjs'

export { init }

export default (event, context) => {
  if (event.data.act === 'throw') throw new Error(`cannot digest ${event.data.id}`)
  if (event.data.act === 'loop') for (;;);
  if (event.data.act === 'exit') process.exit(3)
  if (event.data.act === 'kill') process.kill(process.pid, 'SIGKILL')
  return record(event, context)
}
