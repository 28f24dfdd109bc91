import type { LoadedFunction } from '../workers/handler-loader.ts'

/** Calls a handler with the debugger standing in front of it: the next step goes into the function. */
export function stepIn(handler: LoadedFunction['handler'], event: unknown, context: unknown): unknown {
  debugger
  return handler(event, context)
}
