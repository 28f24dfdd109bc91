import { readFileSync } from 'node:fs'

const read = (path: string): string => readFileSync(new URL(`../src/${path}`, import.meta.url), 'utf8')

/** Types of the bundler: what an import of a file that is no module gives. */
const fileModules = `// Files that the bundler takes: as text, or as data files beside the module (the value is their path from there).
${['txt', 'sql', 'html', 'md', 'csv', 'graphql', 'pem', 'yaml', 'yml'].map(name => `declare module '*.${name}' { const text: string; export default text }`).join('\n')}
${['wasm', 'bin', 'dat', 'onnx', 'png', 'jpg', 'jpeg', 'gif', 'webp', 'pdf', 'gz', 'zip', 'ttf'].map(name => `declare module '*.${name}' { const path: string; export default path }`).join('\n')}
`

/** sluice.d.ts of a function project: the types of handlers, in one file that needs no package of the gateway. */
export function handlerDeclarations(): string {
  const handlers = read('workers/handler-types.ts')
    .replaceAll(/^import type .*\n/gm, '')
    // How to import them is said in the project itself.
    .replace(/^\s*\/\*\n[\s\S]*?\*\/\n/, '')
  const contexts = ['HttpContext', 'MqttContext', 'KafkaContext'].map(name =>
    declarationOf(read('events/event-header.ts'), new RegExp(`export interface ${name} \\{[\\s\\S]*?\\n\\}\\n`)),
  )
  const values = declarationOf(read('events/cloud-event.ts'), /export type ExtensionValue = .*\n/)
  const body = [handlers.trim(), ...contexts, values].map(text => text.trimEnd()).join('\n\n')
  const indented = body.replaceAll(/^(?=.)/gm, '  ')
  return `/**
 * Types of Sluice functions. \`sluice init\` wrote this file; delete it and run \`sluice init .\` for those of a newer gateway.
 */
declare module 'sluice-gateway' {
${indented}
}

${fileModules}`
}

function declarationOf(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[0]
  if (found === undefined) throw new Error(`there is nothing like ${String(pattern)} any more`)
  return found
}

/** src/cli/init/type-declarations.ts: the same as a module, which the build takes along. */
export function declarationsModule(): string {
  const escaped = handlerDeclarations().replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')
  return `/**
 * sluice.d.ts of a function project. Made of src/workers/handler-types.ts by \`node scripts/write-handler-declarations.ts\`; a
 * test fails while it is stale.
 */
export const typeDeclarations = \`${escaped}\`
`
}
