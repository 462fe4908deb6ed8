import type { ProveJobs } from '../../src/proving/provejobs.ts'
import type { SetupJobs } from '../../src/proving/setupjobs.ts'
import { createProver } from '../../src/entries/proving.browser.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { computeWorkers } from '../../src/platform/browser/computeworkers.ts'
import { provingPlatform } from '../../src/platform/browser/provingplatform.ts'
import { WebWorkers } from '../../src/platform/browser/webworkers.ts'
import { provingFunctions } from '../../src/proving/provingfunctions.ts'
import type { TicketedJobs } from '../../src/workers/ticketedjobs.ts'
import { UnsharedPool } from '../proving/unsharedpool.ts'
import { proverSuite } from '../suites/prover.ts'

proverSuite('the prover of engine wasm', (options) => createProver({ threads: 2, ...options }), { extent: 'all' })
// The reference is the same code here as in Node, where it goes through all of it.
proverSuite('the prover of engine snarkjs', (options) => createProver({ engine: 'snarkjs', ...options }), {
  extent: import.meta.env['LONG'] ? 'reference' : 'variant',
})

const scalarWorkers = new WebWorkers<TicketedJobs<ProveJobs & SetupJobs>>({
  create: () => new Worker(new URL('../children/scalarprover.browser.ts', import.meta.url), { type: 'module' }),
})
const both = ['without shared memory or relaxed SIMD', scalarWorkers] as const
for (const [name, source] of import.meta.env['LONG']
  ? [['without shared memory', computeWorkers()] as const, both]
  : [both]) {
  const plain = provingFunctions({
    ...provingPlatform(),
    openPool: (size = 2) => new UnsharedPool({ source, clock: new SystemClock(), size }),
  })
  proverSuite(`the prover of engine wasm ${name}`, plain.createProver, { extent: 'variant' })
}
