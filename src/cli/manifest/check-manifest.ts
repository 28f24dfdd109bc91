import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ManifestFile } from './manifest-schema.ts'

type Report = (path: readonly (string | number)[], message: string) => void

/** What no schema can say: the file is there, weights add up, bounds fit each other. */
export function checkManifest({ functions }: ManifestFile, directory: string, report: Report): void {
  for (const [name, { file, scaling, aliases }] of Object.entries(functions)) {
    const stats = statSync(resolve(directory, file), { throwIfNoEntry: false })
    if (stats?.isFile() !== true) report(['functions', name, 'file'], `there is no file ${file}`)
    if (scaling.maxWorkers !== undefined && scaling.minWorkers > scaling.maxWorkers) {
      const message = `is above maxWorkers (${scaling.maxWorkers})`
      report(['functions', name, 'scaling', 'minWorkers'], message)
    }
    for (const [alias, target] of Object.entries(aliases)) {
      if (typeof target !== 'object') continue
      const sum = Object.values(target).reduce((total, weight) => total + weight, 0)
      // Weights have two decimals; sums of such numbers are inexact.
      if (Math.abs(sum - 100) > 1e-6) {
        report(['functions', name, 'aliases', alias], `the weights add up to ${Number(sum.toFixed(4))}, not to 100`)
      }
    }
  }
}
