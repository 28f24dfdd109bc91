import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { join, resolve } from 'node:path'
import { applyEdits, type SourceEdit } from './mutant.ts'

/**
 * Loaded with `--import` into the gateway of an experiment: it changes sources on their way from the file to the engine.
 * Nothing of it stands in the product.
 */
const edits = JSON.parse(process.env['PLANTED_EDITS'] ?? '[]') as SourceEdit[]
const sources = resolve(import.meta.dirname, '../../../src')

const editsByUrl = new Map<string, SourceEdit[]>()
for (const edit of edits) {
  const url = pathToFileURL(join(sources, edit.file)).href
  editsByUrl.set(url, [...(editsByUrl.get(url) ?? []), edit])
}

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const ofFile = editsByUrl.get(url)
    if (ofFile === undefined) return loaded
    const text = loaded.source
    if (text === undefined || text === null) throw new Error(`${url} has no source to plant a bug into`)
    const source = applyEdits(
      typeof text === 'string' ? text : Buffer.from(text as Uint8Array).toString('utf8'),
      ofFile,
    )
    process.stderr.write(`planted into ${ofFile[0]!.file}\n`)
    return { ...loaded, source }
  },
})
