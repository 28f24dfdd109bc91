/** @file Imports flow with the data. Each rule is a sentence of the architecture; test/architecture proves that they bite. */

/** Each part imports only what stands before it. */
const foundation = ['errors', 'log', 'events', 'config', 'telemetry', 'functions', 'registry', 'store']

/** The journey of an event: each stage imports the foundation and the stages after it. */
const journey = ['sources', 'dispatch', 'controller', 'workers', 'sinks']

const folder = names => `^src/(${names.join('|')})/`
const production = { path: '^src/' }

const foundationRules = foundation.map((name, index) => ({
  name: `foundation-${name}`,
  comment: `${name} stands on ${foundation.slice(0, index).join(', ') || 'nothing'} of Sluice, and knows nothing else of it.`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: folder([name, ...foundation.slice(0, index)]) },
}))

const journeyRules = journey.map((name, index) => ({
  name: `journey-${name}`,
  comment: `Events flow on from ${name}, never back: what the right needs from the left, it declares as an interface.`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: folder([...foundation, ...journey.slice(index)]) },
}))

/** A heavy library can only be replaced, patched or loaded lazily where one place knows it. */
const heavyLibraries = [
  ['kafkajs', '^src/log/kafka/kafkajs/'],
  ['aedes', '^src/sources/mqtt/broker\\.ts$'],
  // The thread's side needs its `move` to transfer an answer instead of cloning it.
  ['piscina', '^src/workers/(piscina-pool|worker-entry)\\.ts$'],
  ['@opentelemetry', '^src/(telemetry/|workers/worker-tracing\\.ts$)'],
  ['mqtt', '^src/(sources|sinks)/mqtt/'],
  // Bindings of functions send as sinks do, from inside of a worker.
  ['undici', '^src/(sinks/http|workers/bindings)/'],
  ['commander', '^src/cli/'],
  ['yaml', '^src/(config|cli)/'],
  ['esbuild', '^src/cli/'],
  // Checked where the file is read, used where the ticks fall due.
  ['croner', '^src/config/cron-schedule\\.ts$'],
  ['@fastify/static', '^src/api/serve-dashboard\\.ts$'],
]

const libraryRules = heavyLibraries.map(([library, importer]) => ({
  name: `library-${library.replace('@', '')}`,
  comment: `Only ${importer} knows ${library}.`,
  severity: 'error',
  from: { ...production, pathNot: importer },
  to: { path: `node_modules/${library}/` },
}))

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...foundationRules,
    ...journeyRules,
    ...libraryRules,
    {
      name: 'library-sqlite',
      comment: 'SQLite is synchronous: only the store, which has a thread of its own, may use it.',
      severity: 'error',
      from: { ...production, pathNot: '^src/store/' },
      to: { path: '^(node:)?sqlite$' },
    },
    {
      name: 'edge-api',
      comment: 'The API asks the gateway through the interface it declares; it knows no stage.',
      severity: 'error',
      from: { path: '^src/api/' },
      to: { path: '^src/', pathNot: folder(['api', ...foundation]) },
    },
    {
      name: 'edge-cli',
      comment:
        'The CLI talks HTTP. Of the API it knows what goes over the wire, as types. What it simulates or replays needs no gateway.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/',
        pathNot: '^src/((cli|config|errors)/|api/views/|(controller/simulation/simulation-report|replay/replay)\\.ts$)',
      },
    },
    {
      name: 'edge-cli-types',
      comment: 'What the CLI takes from the API are types: the schemas would load half of the server.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/api/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'edge-dashboard',
      comment: 'The dashboard runs in a browser and talks HTTP. Of the API it knows what goes over the wire, as types.',
      severity: 'error',
      from: { path: '^src/dashboard/' },
      to: { path: '^src/', pathNot: '^src/(dashboard|api/views)/' },
    },
    {
      name: 'edge-dashboard-types',
      comment: 'What the dashboard takes from the API are types: a browser has no use for its schemas.',
      severity: 'error',
      from: { path: '^src/dashboard/' },
      to: { path: '^src/api/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-imports-the-edges',
      comment: 'CLI, dashboard and process entry stand at the end: nothing but the entry imports them.',
      severity: 'error',
      from: { ...production, pathNot: '^src/(cli/|dashboard/|main\\.ts$|run-gateway\\.ts$)' },
      to: { path: '^src/(cli/|dashboard/|main\\.ts$|run-gateway\\.ts$)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-imports-the-gateway',
      comment: 'The composition root introduces the parts to each other; no part knows it.',
      severity: 'error',
      from: { ...production, pathNot: '^src/(gateway/|gateway\\.ts$|main\\.ts$|index\\.ts$)' },
      to: { path: '^src/(gateway/|gateway\\.ts$)' },
    },
    {
      name: 'no-cycle',
      comment: 'Files that need each other to run are one file, or lack an interface. Types may point at each other.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-test-code',
      comment: 'What ships does not import what tests or measures it.',
      severity: 'error',
      from: production,
      to: { path: '^(test|bench|scripts|examples)/' },
    },
    {
      name: 'no-dev-dependency',
      comment: 'A user installs dependencies only. What the dashboard is built of is in its build.',
      severity: 'error',
      from: { ...production, pathNot: '^src/dashboard/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that the checker cannot resolve is one that it cannot judge.',
      severity: 'error',
      from: production,
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    // Type-only imports count: a type is a dependency of the design.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
}
