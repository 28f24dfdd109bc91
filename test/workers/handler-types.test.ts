import { describe, expectTypeOf, it } from 'vitest'
import type { Binding } from '../../src/workers/bindings/binding.ts'
import type { HandlerContext, createInitContext } from '../../src/workers/context.ts'
import type { HandlerEvent } from '../../src/workers/event-object.ts'
import type {
  BatchHandler,
  Context,
  EmitOptions,
  Handler,
  HttpBinding,
  Init,
  InitContext,
  KafkaBinding,
  MqttBinding,
  SluiceEvent,
} from '../../src/workers/handler-types.ts'
import type { ResultMeta } from '../../src/sinks/function-result.ts'
import type { FunctionLogEntry } from '../../src/workers/worker-settings.ts'

// Checked by the compiler; there is nothing to run.
describe('the types that authors of functions use', () => {
  it('say of event and context what workers hand out, no less and no more', () => {
    expectTypeOf<HandlerEvent>().toExtend<SluiceEvent>()
    expectTypeOf<keyof HandlerEvent>().toEqualTypeOf<keyof SluiceEvent>()
    expectTypeOf<HandlerContext>().toExtend<Context<Readonly<Record<string, Binding>>>>()
    expectTypeOf<keyof HandlerContext>().toEqualTypeOf<keyof Context>()
    expectTypeOf<keyof ReturnType<typeof createInitContext>>().toEqualTypeOf<keyof InitContext>()
    expectTypeOf<EmitOptions>().toEqualTypeOf<Pick<ResultMeta, 'sink' | 'topic' | 'key' | 'headers'>>()
    expectTypeOf<keyof Context['logger']>().toEqualTypeOf<FunctionLogEntry['level']>()
  })

  it('fit the handlers that people write', () => {
    interface Reading {
      readonly celsius: number
    }
    const typed: Handler<Reading, { hot: boolean }, { alerts: HttpBinding }> = async (event, { bindings, logger }) => {
      expectTypeOf(event.data).toEqualTypeOf<Reading>()
      const answer = await bindings.alerts.post('alerts', { at: event.time })
      logger.info('told', { status: answer.status })
      return { hot: answer.json<Reading>().celsius > 30 }
    }
    const untyped: Handler = (event, context) => {
      expectTypeOf(event.data).toEqualTypeOf<unknown>()
      context.emit({ id: event.id }, { sink: 'audit' })
      return context.bindings['audit']?.send('x').then(({ offset }) => ({ offset }))
    }
    const batch: BatchHandler<Reading> = (events, context) => {
      if (context.signal.aborted) return
      return { batchItemFailures: events.filter(e => e.data.celsius < 0).map(({ id }) => ({ itemIdentifier: id })) }
    }
    const nothing: BatchHandler = async () => {}
    const init: Init<{ mqtt: MqttBinding; audit: KafkaBinding }> = async ({ bindings, secrets, env }) => {
      await bindings.mqtt.publish(`${env['REGION']} is up`, { topic: 'up', qos: 1 })
      await bindings.audit.send(null, { key: secrets['KEY'] ?? null })
    }
    for (const fitting of [typed, untyped, batch, nothing, init]) expectTypeOf(fitting).toBeFunction()
  })

  it('refuse what is wrong', () => {
    const handler: Handler<{ n: number }> = (event, context) => {
      // @ts-expect-error -- there is no such member
      void event.data.m
      // @ts-expect-error -- the level is a name
      void context.logger.loud
      // @ts-expect-error -- the event is what it is
      event.id = 'x'
    }
    expectTypeOf(handler).toBeFunction()
    // @ts-expect-error -- a report names ids
    const batch: BatchHandler = () => ({ batchItemFailures: [{ id: 'x' }] })
    expectTypeOf(batch).toBeFunction()
  })
})
