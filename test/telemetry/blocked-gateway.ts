// A program of its own that makes a batch of spans and then blocks its main thread for good: what arrives is another thread's work.
import { startTracing } from '../../src/telemetry/otel-tracer.ts'

const { tracer } = await startTracing({ sampleRatio: 1, version: '1', logger: { warn() {} } })
for (let event = 0; event < 512; event++) tracer.receive(undefined, 'a', {})?.end()
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
