// `npm run bench`: starts the benchmarks, which are TypeScript, through vite. What they measure is in the files *.bench.ts.

import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'

const server = await createServer({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
})
try {
  const { runBenches } = await server.ssrLoadModule('/test/bench/runbenches.ts')
  process.exitCode = await runBenches(process.argv.slice(2))
} finally {
  await server.close()
}
