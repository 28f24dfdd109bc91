import type { Command } from 'commander'
import type { SinkView, SourceView, StreamView } from '../../api/views/gateway-view.ts'
import { apiPath } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { formatBytes } from '../format-quantity.ts'
import { formatTable, type Column } from '../format-table.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

const sourceColumns: readonly Column<SourceView>[] = [
  { title: 'SOURCE', value: row => row.name },
  { title: 'TYPE', value: row => row.kind },
  { title: 'STATE', value: row => row.state, color: row => (row.state === 'running' ? 'green' : 'yellow') },
  { title: 'STREAM', value: row => row.stream ?? '' },
  { title: 'ACCEPTED', value: row => row.accepted },
  { title: 'DUPLICATES', value: row => row.duplicates, leaveOut: 2 },
  { title: 'REFUSED', value: row => Object.values(row.refused).reduce((sum, count) => sum + count, 0) },
  {
    title: 'REFUSED BECAUSE',
    value: row =>
      Object.entries(row.refused)
        .map(([reason, count]) => `${reason} ${count}`)
        .join(', '),
    leaveOut: 1,
  },
  { title: 'WHY', value: row => row.detail },
]

const streamColumns: readonly Column<StreamView>[] = [
  { title: 'STREAM', value: row => row.name },
  { title: 'KIND', value: row => row.kind },
  { title: 'PARTITIONS', value: row => row.partitions.length, leaveOut: 2 },
  { title: 'EVENTS KEPT', value: row => row.partitions.reduce((sum, { low, end }) => sum + end - low, 0) },
  { title: 'EVENTS EVER', value: row => row.partitions.reduce((sum, { end }) => sum + end, 0), leaveOut: 1 },
  { title: 'SIZE', value: row => (row.bytes === null ? undefined : formatBytes(row.bytes)) },
  { title: 'WHY', value: row => row.detail },
]

const sinkColumns: readonly Column<SinkView>[] = [
  { title: 'SINK', value: row => row.name },
  { title: 'TYPE', value: row => row.kind },
  { title: 'READY', value: row => (row.ready ? 'yes' : 'no'), color: row => (row.ready ? 'green' : 'yellow') },
  { title: 'WHY', value: row => row.detail },
]

/** `sluice sources`, `streams`, `sinks`: a table, or JSON as the API gave it. */
export function addListCommands(program: Command, io: CommandIo): void {
  addList(program, io, 'streams', 'streams and their partitions', streamColumns)
  addList(program, io, 'sources', 'what the sources accepted and refused', sourceColumns)
  addList(program, io, 'sinks', 'whether the sinks are ready', sinkColumns)
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
    .addHelpText('after', `\nExamples:\n  sluice ${noun}\n  sluice ${noun} --json | jq '.[0]'`)
    .action(async (options: ApiCommandOptions) => {
      const { items } = await clientOf(options, io).json<{ readonly items: readonly Row[] }>('GET', apiPath(noun))
      if (options.json === true) return printJson(io, items)
      io.out(items.length === 0 ? `no ${noun}\n` : formatTable(columns, items, io.terminal))
    })
}
