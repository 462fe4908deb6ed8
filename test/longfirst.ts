// The order in which test files run: those that take long, or wait long, first, so that no one of them is left alone at the end. In a clean clone
// vitest knows nothing but their sizes.

import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders and files under `test/`, by what they take. Of a long run, two that prove all the time never follow one another. */
const IN_LONG_RUNS = [
  ...['web/hidden', 'bridge/tenclients', 'cli/kill', 'web/fullcircuit', 'node/fiftyslots', 'storage/crash.nodejs'],
  ...['web/tabfaults', 'simulation/', 'devnet/', 'market/providerkills', 'slots/', 'proving/ceremony'],
  ...['market/reorgs', 'sales/nthfault'],
]
const LONG = [
  ...(process.env['LONG'] ? IN_LONG_RUNS : []),
  ...['node/tab', 'node/crashes', 'entries/proving', 'proving/pooledprover', 'cli/wallet', 'web/page', 'cli/slots'],
  ...['exchange/faults', 'devnet/differential', 'entries/slots', 'proving/fullproof', 'wasm/field.'],
  ...[
    'market/transactions',
    'bridge/bridge',
    'cli/usage',
    'consumer',
    'web/sells',
    'cli/',
    'simulation/',
    'node/',
    'web/',
  ],
]

export default class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const rank = LONG.findIndex((name) => moduleId.includes(`/test/${name}`))
      return rank < 0 ? LONG.length : rank
    }
    return sorted.sort((a, b) => rankOf(a) - rankOf(b))
  }
}
