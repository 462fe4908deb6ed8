import { WebWorkers } from '../../src/platform/browser/webworkers.ts'
import type { EdgeApi } from '../children/edgeapi.ts'
import { workersSuite } from '../suites/workers.ts'

workersSuite('WebWorkers', {
  working: async () =>
    new WebWorkers<EdgeApi>({
      create: () => new Worker(new URL('../children/edge.browser.ts', import.meta.url), { type: 'module' }),
    }),
  broken: async () => new WebWorkers<EdgeApi>({ create: () => new Worker('/nothing/here.js', { type: 'module' }) }),
})
