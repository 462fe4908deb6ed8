// A pool as it is in a tab that is not cross-origin isolated, in a test that runs in one that is: what jobs pass is copied or moved, never shared.

import { WorkerPool } from '../../src/workers/workerpool.ts'
import type { WorkerFunctions } from '../../src/workers/workersource.ts'

export class UnsharedPool<Jobs extends WorkerFunctions<Jobs>> extends WorkerPool<Jobs> {
  override readonly canShare = false as boolean
}
