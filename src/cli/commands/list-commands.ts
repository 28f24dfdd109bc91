import type { Command } from 'commander'
import type { PoolView } from '../../api/views/function-view.ts'
import type { ScalingDecisionView, SinkView, SourceView, StreamView } from '../../api/views/gateway-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import type { CommandIo } from '../command-io.ts'
import { formatTable, type Column } from '../format-table.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

const column = <Row>(title: string, value: Column<Row>['value']): Column<Row> => ({ title, value })

const triggerColumns: readonly Column<TriggerView>[] = [
  column('TRIGGER', row => row.name),
  column('STATE', row => row.state),
  column('STREAM', row => row.stream),
  column('FUNCTION', row => row.function),
  column('LAG', row => row.lag),
  column('IN FLIGHT', row => row.inFlight),
  column('PARKED KEYS', row => row.parkedKeys),
  column('SUCCEEDED', row => row.succeeded),
  column('RETRIES', row => row.retries),
  column('DEAD LETTERS', row => row.deadLetters),
  column('WHY', row => (row.paused === null ? row.detail : `${row.paused.reason} (${row.paused.by})`)),
]

const functionColumns: readonly Column<PoolView>[] = [
  column('FUNCTION', row => row.name),
  column('VERSION', row => row.version),
  column('STATE', row => row.state),
  column('WORKERS', row => `${row.workers} of ${row.minWorkers}–${row.maxWorkers}`),
  column('BUSY', row => row.busy),
  column('SUCCEEDED', row => row.succeeded),
  column('FAILED', row => row.failed),
  column('COLD STARTS', row => row.coldStarts),
  column('KILLED', row => row.killed),
  column('MS PER EVENT', row => (row.serviceTimeMs === null ? null : Number(row.serviceTimeMs.toPrecision(3)))),
  column('WHY', row => row.detail),
]

const sourceColumns: readonly Column<SourceView>[] = [
  column('SOURCE', row => row.name),
  column('TYPE', row => row.kind),
  column('STATE', row => row.state),
  column('STREAM', row => row.stream ?? ''),
  column('ACCEPTED', row => row.accepted),
  column('DUPLICATES', row => row.duplicates),
  column('REFUSED', row => Object.values(row.refused).reduce((sum, count) => sum + count, 0)),
  column('REFUSED BECAUSE', row =>
    Object.entries(row.refused)
      .map(([reason, count]) => `${reason} ${count}`)
      .join(', '),
  ),
  column('WHY', row => row.detail),
]

const streamColumns: readonly Column<StreamView>[] = [
  column('STREAM', row => row.name),
  column('KIND', row => row.kind),
  column('PARTITIONS', row => row.partitions.length),
  column('EVENTS KEPT', row => row.partitions.reduce((sum, { low, end }) => sum + end - low, 0)),
  column('EVENTS EVER', row => row.partitions.reduce((sum, { end }) => sum + end, 0)),
  column('BYTES', row => row.bytes ?? undefined),
  column('WHY', row => row.detail),
]

const sinkColumns: readonly Column<SinkView>[] = [
  column('SINK', row => row.name),
  column('TYPE', row => row.kind),
  column('READY', row => (row.ready ? 'yes' : 'no')),
  column('WHY', row => row.detail),
]

const scalingColumns: readonly Column<ScalingDecisionView>[] = [
  column('AT', row => new Date(row.atMs).toISOString()),
  column('FUNCTION', row => row.function),
  column('WORKERS', row => `${row.from}→${row.to}`),
  column('REASON', row => row.reason),
]

/** `sluice triggers`, `functions`, `sources`, `streams`, `sinks`, `scaling`: a table, or JSON as the API gave it. */
export function addListCommands(program: Command, io: CommandIo): void {
  addList(program, io, 'triggers', 'state and lag of all triggers', triggerColumns)
  addList(program, io, 'functions', 'functions and their worker pools', functionColumns)
  addList(program, io, 'sources', 'what the sources accepted and refused', sourceColumns)
  addList(program, io, 'streams', 'streams and their partitions', streamColumns)
  addList(program, io, 'sinks', 'whether the sinks are ready', sinkColumns)
  addList(program, io, 'scaling', 'the last scaling decisions with their reasons', scalingColumns)
}

function addList<Row>(
  program: Command,
  io: CommandIo,
  noun: string,
  summary: string,
  columns: readonly Column<Row>[],
): void {
  withApiOptions(program.command(noun).description(`show ${summary}`), io)
    .option('--json', 'print JSON')
    .action(async (options: ApiCommandOptions) => {
      const answer = (await clientOf(options, io).get(`/v1/${noun}`)) as { items: readonly Row[] }
      if (options.json === true) return printJson(io, answer.items)
      io.out(answer.items.length === 0 ? `no ${noun}\n` : formatTable(columns, answer.items))
    })
}
