import { gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

/** Beside each file its gzip, so that the gateway compresses nothing itself. */
const precompress: Plugin = {
  name: 'precompress',
  apply: 'build',
  generateBundle(_options, bundle) {
    for (const [fileName, file] of Object.entries(bundle)) {
      const source = file.type === 'chunk' ? file.code : file.source
      this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source: gzipSync(source, { level: 9 }) })
    }
  },
}

/** The dashboard: three files that the gateway serves. `npm run build:dashboard`. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [precompress],
  build: {
    outDir: '../../dist/dashboard',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // An inlined asset would be a data: URL, which the policy allows for images only.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': process.env.SLUICE_URL ?? 'http://127.0.0.1:8080' } },
})
