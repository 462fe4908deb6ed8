// A build step that builds for Node lack and builds for pages have: scripts of worker threads.

import { posix } from 'node:path'
import type { Plugin } from 'vite'

/**
 * Builds the files that the source names by URL and not by import: `new URL('./x.ts', import.meta.url)`, the scripts of
 * worker threads. Builds of pages do this by themselves, builds for Node do not.
 */
export function workerFiles(): Plugin {
  return {
    name: 'codex-light:worker-files',
    apply: 'build',
    enforce: 'pre', // Else vite answers `resolveFileUrl`, with a path that only a web server understands.
    async transform(code, importer) {
      let rewritten = code
      for (const [written, quoted] of code.matchAll(/new URL\(\s*(['"].+?\.ts['"]),\s*import\.meta\.url,?\s*\)/g)) {
        const target = await this.resolve(quoted?.slice(1, -1) ?? '', importer)
        if (target === null) this.error(`${importer}: found no file for ${written}`)
        const reference = this.emitFile({ type: 'chunk', id: target.id })
        rewritten = rewritten.replace(written, `import.meta.ROLLUP_FILE_URL_${reference}`)
      }
      return rewritten === code ? null : { code: rewritten, map: null }
    },
    resolveFileUrl({ chunkId, fileName }) {
      const path = posix.relative(posix.dirname(chunkId), fileName)
      return `new URL('./${path}', import.meta.url)`
    },
  }
}
