// A pool without workers: the jobs run on the caller's thread, in the same slices. For little work, and where no worker may be started.

import { assert } from '../lib/errors.ts'
import { nextTask } from '../lib/nexttask.ts'
import type { JobContext, SlicedJobs } from './performjobs.ts'
import type { WorkerFunctions } from './workersource.ts'
import type { WorkerPool } from './workerpool.ts'

/** Jobs begin when they are asked for, whatever their rank; the event loop gets its turns between their slices. */
export function localPool<Jobs extends WorkerFunctions<Jobs>>(
  jobs: SlicedJobs<Jobs>,
): Pick<WorkerPool<Jobs>, 'run' | 'size' | 'canShare'> {
  const functions = jobs as Readonly<Record<string, (context: JobContext, ...args: unknown[]) => Promise<unknown>>>
  return {
    size: 1,
    canShare: true,
    run: async (work, { signal }) => {
      signal.throwIfAborted()
      const context: JobContext = {
        signal,
        checkpoint: async () => {
          await nextTask()
          signal.throwIfAborted()
        },
      }
      const call = (name: string | symbol): unknown =>
        typeof name === 'symbol' || name === 'then'
          ? undefined
          : async (...args: unknown[]) => {
              const perform = functions[name]
              assert(perform !== undefined, `there is no job ${name}`)
              return perform(context, ...args)
            }
      return work(new Proxy(Object.create(null), { get: (_, name) => call(name) }) as Jobs, signal, () => {})
    },
  }
}
