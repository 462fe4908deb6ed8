// `npm run sim`: starts a simulation, which is TypeScript, through vite. What it plays is in simworld.ts.

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
  const { runSimulation } = await server.ssrLoadModule('/test/simulation/runsimulation.ts')
  process.exitCode = await runSimulation(process.argv.slice(2))
} finally {
  await server.close()
}
