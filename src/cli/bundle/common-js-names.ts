/*
 * What CommonJS modules take for granted and ES modules lack. A bundled CommonJS dependency that asks for a part of Node
 * calls `require`, which esbuild can only pass on: https://github.com/evanw/esbuild/issues/1921.
 */

const isUsed = (module: string, name: string): boolean =>
  new RegExp(`\\b${name}\\b`).test(module) && !new RegExp(`\\b(var|let|const|function)\\s+${name}\\b`).test(module)

/** The module and its source map with `require`, `__filename` and `__dirname` defined, as far as it uses them. */
export function withCommonJsNames(module: string, map: string): { readonly module: string; readonly map: string } {
  const definitions: string[] = []
  if (module.includes('Dynamic require of')) {
    definitions.push("import { createRequire as sluiceRequire } from 'node:module';")
    definitions.push('const require = sluiceRequire(import.meta.url);')
  }
  for (const [name, property] of [
    ['__filename', 'filename'],
    ['__dirname', 'dirname'],
  ] as const) {
    if (isUsed(module, name)) definitions.push(`const ${name} = import.meta.${property};`)
  }
  if (definitions.length === 0) return { module, map }
  // They are one line above all others: every line of the source map moves by one.
  const shifted = JSON.parse(map) as { mappings: string }
  shifted.mappings = `;${shifted.mappings}`
  return { module: `${definitions.join(' ')}\n${module}`, map: JSON.stringify(shifted) }
}
