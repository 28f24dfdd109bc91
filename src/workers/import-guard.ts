import { existsSync, realpathSync } from 'node:fs'
import { createRequire, isBuiltin, registerHooks, type ResolveHookSync } from 'node:module'
import { dirname, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { placeOfImport } from './module-place.ts'

/** A self-contained module wants something that is not its own. */
class ForbiddenImport extends Error {
  override readonly name = 'ForbiddenImport'
}

/** Where the code of the gateway itself lies. */
const gatewayUrl = new URL('../', import.meta.url).href

/**
 * From now on code in the folder of `file` can import nothing in this thread but what is built into Node and files of that
 * folder, however it does it: statically, dynamically or by a `require` of its own. An artifact that leaned on packages
 * which happen to lie up the tree would run on this machine only. Modules of the gateway and what they need are not
 * affected; code that takes pains to look like them is not stopped, as threads are no security boundary anyway.
 */
export function guardImports(file: string): void {
  // Without the file there is nothing to guard; loading it says so.
  if (!existsSync(file)) return
  const ownUrl = pathToFileURL(realpathSync(dirname(file)) + sep).href
  const ownFile = pathToFileURL(realpathSync(file)).href
  const isOwn = (url: string): boolean => url.startsWith(ownUrl)
  // What this thread runs on was loaded before and may load more.
  const trusted = new Set(Object.keys(createRequire(import.meta.url).cache).map(path => pathToFileURL(path).href))

  const resolve: ResolveHookSync = (specifier, context, nextResolve) => {
    if (isBuiltin(specifier)) return nextResolve(specifier, context)
    const { parentURL } = context
    if (parentURL !== undefined && !isOwn(parentURL) && (parentURL.startsWith(gatewayUrl) || trusted.has(parentURL))) {
      const resolved = nextResolve(specifier, context)
      trusted.add(resolved.url)
      return resolved
    }
    let url: string | undefined
    try {
      const resolved = nextResolve(specifier, context)
      if (isOwn(resolved.url)) return resolved
      url = resolved.url
    } catch (error) {
      // A file that should lie beside the module is missing; that says enough.
      if (/^\.{0,2}\//.test(specifier)) throw error
    }
    throw new ForbiddenImport(whyForbidden(specifier, parentURL, url))
  }
  const link = existsSync(`${file}.map`) ? { load: linkSourceMap(ownFile) } : {}
  registerHooks({ resolve, ...link })
}

function whyForbidden(specifier: string, parentURL: string | undefined, url: string | undefined): string {
  const by =
    parentURL?.startsWith('file:') === true ? placeOfImport(fileURLToPath(parentURL), specifier) : 'the function'
  const outside = /^(\.{0,2}\/|file:)/.test(specifier) && url !== undefined
  const what = outside ? 'a file outside of its own folder' : 'neither built into Node nor part of the function'
  return `${by} imports '${specifier}', which is ${what}; bundle it: sluice deploy does`
}

/** Node finds a source map only by a comment, which bundlers leave out when the map is to lie elsewhere. */
function linkSourceMap(ownFile: string): NonNullable<Parameters<typeof registerHooks>[0]['load']> {
  return (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (url !== ownFile || loaded.source === undefined || loaded.source === null) return loaded
    const text = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString()
    if (text.includes('//# sourceMappingURL=')) return loaded
    return { ...loaded, source: `${text}\n//# sourceMappingURL=${ownFile.slice(ownFile.lastIndexOf('/') + 1)}.map` }
  }
}
