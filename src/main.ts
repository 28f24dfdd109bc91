import { createProcessIo } from './cli/command-io.ts'
import { runCli } from './cli/run-cli.ts'
import { loadFunctions } from './functions/load-functions.ts'
import { readVersion } from './read-version.ts'

/** Process entry: the CLI, with the gateway loaded only by the command that runs it. */
const version = readVersion()

// `sluice triggers | head` closes the pipe early; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runCli(
  process.argv.slice(2),
  createProcessIo(),
  {
    run: async config => {
      const { keepCompiledGateway } = await import('./gateway/compile-cache-dir.ts')
      keepCompiledGateway(config)
      const [{ runGateway }, { createGateway }] = await Promise.all([
        import('./run-gateway.ts'),
        import('./gateway.ts'),
      ])
      return runGateway(config, version, createGateway)
    },
    loadFunctions: config =>
      [...loadFunctions(config).values()].map(({ name, code, hash }) => ({ name, file: code.path, hash })),
  },
  version,
)

// A library's forgotten timer must not keep a stopped process alive; everything of ours is closed by now.
setTimeout(() => process.exit(), 1_000).unref()
