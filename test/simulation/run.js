// `npm run sim`: starts a simulation, which is TypeScript: it is bundled first, because code that vite serves piece by piece runs slower.

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
let bundled
try {
  const { bundleModule } = await server.ssrLoadModule('/test/bundlemodule.ts')
  bundled = await bundleModule(fileURLToPath(new URL('runsimulation.ts', import.meta.url)))
} finally {
  await server.close()
}
const { runSimulation } = await import(bundled.href)
process.exitCode = await runSimulation(process.argv.slice(2))
