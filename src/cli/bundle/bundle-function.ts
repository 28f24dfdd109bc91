import { unwatchFile, watchFile } from 'node:fs'
import { extname, relative, resolve, sep } from 'node:path'
import type { BuildContext, BuildFailure, BuildOptions, BuildResult } from 'esbuild'
import { SluiceError } from '../../errors/sluice-error.ts'
import { countOf } from '../format-quantity.ts'
import { shownPath } from '../shown-path.ts'
import { artifactHash } from './artifact-hash.ts'
import { formatBuildProblem } from './build-problem.ts'
import { dataFileWarnings, readDataFiles } from './data-files.ts'
import { withCommonJsNames } from './common-js-names.ts'

/** What is bundled. */
export interface BundleInput {
  /** Absolute path of the module that exports the handler. */
  readonly entry: string
  /** Absolute path that names in problems, source map and data files are relative to: the project. */
  readonly directory: string
  /** Export that the entry must have. Default `default`. */
  readonly handler: string
  /** Data files beside the module: paths or globs below the directory. */
  readonly files: readonly string[]
}

/** The code of a function as the gateway takes it: complete in itself. */
export interface Bundle {
  /** By name; `index.mjs` is the module, `index.mjs.map` its source map. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Hash of the files as the gateway computes it. */
  readonly hash: string
  readonly moduleBytes: number
  /** Of all files. */
  readonly bytes: number
  /** Source files that went into the module. */
  readonly sources: number
  /** Complete texts: what may go wrong later. */
  readonly warnings: readonly string[]
}

const moduleName = 'index.mjs'

const watchIntervalMs = 300

/** Read as text, or put beside the module; the import's value is the text, or the file's path relative to the module. */
const loaders = {
  text: ['.txt', '.sql', '.html', '.md', '.csv', '.graphql', '.pem', '.yaml', '.yml'],
  file: ['.wasm', '.bin', '.dat', '.onnx', '.png', '.jpg', '.jpeg', '.gif', '.webp', '.pdf', '.gz', '.zip', '.ttf'],
} as const

const loaderByExtension = Object.fromEntries(
  Object.entries(loaders).flatMap(([loader, extensions]) => extensions.map(extension => [extension, loader])),
) as NonNullable<BuildOptions['loader']>

/** Bundles once. @throws {SluiceError} SLUICE_CLI_BUNDLE with all problems, each as file:line:column with its line. */
export async function bundleFunction(input: BundleInput): Promise<Bundle> {
  const esbuild = await import('esbuild')
  try {
    return bundleOf(input, await esbuild.build(optionsOf(input)))
  } catch (error) {
    throw bundleError(input, error)
  }
}

/**
 * Bundles now and whenever a source or one of `others` changes. Calls back with each bundle, or with why there is none.
 * @param others absolute paths of files beside the sources.
 * @returns how to stop.
 */
export async function watchFunction(
  input: BundleInput,
  others: readonly string[],
  onBundle: (result: Bundle | SluiceError) => void,
): Promise<{ stop(): Promise<void> }> {
  const esbuild = await import('esbuild')
  const options = optionsOf(input)
  const context: BuildContext = await esbuild.context({
    ...options,
    plugins: [
      {
        name: 'bundle',
        setup: build => {
          build.onEnd(result => {
            try {
              // The types cannot know that this result has what the options ask for.
              if (result.errors.length === 0) onBundle(bundleOf(input, result as BuildResult<typeof options>))
              else onBundle(bundleError(input, result))
            } catch (error) {
              onBundle(bundleError(input, error))
            }
          })
        },
      },
    ],
  })
  // Esbuild watches what it has read; what stands beside the sources is for us, from before the first bundle.
  const rebuild = (): void => void context.rebuild().catch(() => undefined)
  for (const file of others) watchFile(file, { interval: watchIntervalMs }, rebuild)
  await context.watch()
  return {
    stop: () => {
      for (const file of others) unwatchFile(file, rebuild)
      return context.dispose()
    },
  }
}

function optionsOf({ entry, directory }: BundleInput) {
  return {
    absWorkingDir: directory,
    entryPoints: { index: entry },
    // Nothing is written; names of outputs and sources are relative to it.
    outdir: directory,
    allowOverwrite: true,
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    outExtension: { '.js': '.mjs' },
    sourcemap: 'linked',
    sourcesContent: true,
    metafile: true,
    charset: 'utf8',
    loader: loaderByExtension,
    assetNames: '[name]-[hash]',
    logLevel: 'silent',
  } as const satisfies BuildOptions
}

function bundleOf(input: BundleInput, result: BuildResult<ReturnType<typeof optionsOf>>): Bundle {
  const { metafile, outputFiles } = result
  const files = new Map<string, Uint8Array>()
  for (const { path, contents } of outputFiles) {
    files.set(relative(resolve(input.directory), path).split(sep).join('/'), contents)
  }
  const { module, map } = withCommonJsNames(textOf(files, moduleName), textOf(files, `${moduleName}.map`))
  files.set(moduleName, Buffer.from(module))
  files.set(`${moduleName}.map`, Buffer.from(map))

  const entryOutput = Object.values(metafile.outputs).find(output => output.entryPoint !== undefined)
  checkHandler(input, entryOutput?.exports ?? [])
  for (const [name, contents] of readDataFiles(input.directory, input.files)) files.set(name, contents)
  const warnings = result.warnings.map(warning => formatBuildProblem(input.directory, warning))
  return {
    files,
    hash: artifactHash(files),
    moduleBytes: files.get(moduleName)?.byteLength ?? 0,
    bytes: [...files.values()].reduce((sum, contents) => sum + contents.byteLength, 0),
    sources: Object.keys(metafile.inputs).length,
    warnings: [...warnings, ...dataFileWarnings(module, new Set(files.keys()))],
  }
}

function checkHandler({ entry, handler }: BundleInput, exports: readonly string[]): void {
  if (exports.includes(handler)) return
  const there = exports.length === 0 ? 'nothing' : exports.join(', ')
  const message =
    handler === 'default'
      ? `${shownPath(entry)} exports ${there}, but no default: write \`export default async function handler(event, context) { … }\``
      : `${shownPath(entry)} exports ${there}, but not '${handler}', which the definition names as its handler`
  throw new SluiceError('SLUICE_CLI_BUNDLE', message)
}

function textOf(files: ReadonlyMap<string, Uint8Array>, name: string): string {
  return Buffer.from(files.get(name) ?? new Uint8Array()).toString('utf8')
}

function bundleError({ entry, directory }: BundleInput, error: unknown): SluiceError {
  const { errors } = error as BuildFailure
  if (!Array.isArray(errors)) return SluiceError.from(error, 'SLUICE_CLI_BUNDLE')
  const problems = errors.map(problem => formatBuildProblem(directory, problem))
  const message = `${countOf(problems.length, 'problem')} in ${shownPath(entry)} and what it imports:\n\n${problems.join('\n\n')}`
  return new SluiceError('SLUICE_CLI_BUNDLE', message, { cause: error })
}

/** Whether a file is a module that can be bundled. */
export const isModuleFile = (file: string): boolean =>
  ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx'].includes(extname(file))
