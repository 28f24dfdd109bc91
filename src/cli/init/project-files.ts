import { templates, type Template, type TemplateName } from './templates.ts'
import { typeDeclarations } from './type-declarations.ts'

export interface ProjectFile {
  readonly name: string
  readonly purpose: string
  readonly text: string
}

/** The files of a new function project. @param name of the function and the package. */
export function projectFiles(name: string, templateName: TemplateName): readonly ProjectFile[] {
  const template: Template = templates[templateName]
  return [
    { name: 'index.ts', purpose: 'the handler', text: template.handler },
    { name: 'index.test.ts', purpose: 'its test: npm test', text: testOf(template) },
    { name: 'event.json', purpose: 'an event to try it with', text: json(exampleEvent(name, template)) },
    { name: 'sluice.yaml', purpose: 'how it runs', text: manifestOf(name, template) },
    { name: 'sluice.d.ts', purpose: 'types of events and context', text: typeDeclarations },
    { name: 'package.json', purpose: 'dependencies; they are bundled', text: json(packageOf(name)) },
    { name: 'tsconfig.json', purpose: 'for editors and npm run check', text: json(tsconfig) },
    { name: 'README.md', purpose: 'what to do with it', text: readmeOf(name, template) },
    { name: '.gitignore', purpose: '', text: 'node_modules\n' },
  ]
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

const exampleEvent = (name: string, { event }: Template): object => ({
  specversion: '1.0',
  id: 'example-1',
  source: `/${name}/example`,
  ...event,
  datacontenttype: 'application/json',
})

const packageOf = (name: string): object => ({
  name,
  private: true,
  type: 'module',
  engines: { node: '>=24' },
  scripts: { test: 'node --test', check: 'tsc', dev: 'sluice dev', deploy: 'sluice deploy' },
  devDependencies: { '@types/node': '^24.0.0', typescript: '>=5.9' },
})

/** What Node's type stripping can run, and what esbuild bundles. */
const tsconfig = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    resolveJsonModule: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
  },
  include: ['*.ts'],
}

const testOf = ({ test }: Template): string => `import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context, SluiceEvent } from 'sluice-gateway'
import example from './event.json' with { type: 'json' }
import handler from './index.ts'

type Data = Parameters<typeof handler>[0]['data']

const event = example as unknown as SluiceEvent<Data>

/** The part of the context that the handler uses. */
function context(env: Record<string, string> = {}): Context {
  const quiet = () => undefined
  const logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet }
  return { env, logger } as unknown as Context
}

${test}`

const manifestOf = (
  name: string,
  { manifest }: Template,
): string => `# sluice deploy makes this the latest version of the function; sluice apply -f sluice.yaml all that stands here.
name: ${name}

functions:
  ${name}:
    file: index.ts
    publish: true
    aliases: { live: latest-published }
${manifest(name)}`

const readmeOf = (name: string, { summary, wiring }: Template): string => `# ${name}

A Sluice function that ${summary}.

    npm test                                                    # its test, on Node.js 24
    npm install && npm run check                                # its types
    sluice dev                                                  # on the gateway, rebuilt at every save
    sluice deploy --alias live                                  # bundle, upload, publish
    sluice invoke ${name} --file event.json --content-type application/cloudevents+json --logs
    sluice logs ${name} --follow

## What runs it

${wiring(name)}`
