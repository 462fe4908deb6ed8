import { expect, test } from 'vitest'
import { AssertionError, CodexError } from '../../src/lib/errors.ts'
import { performJobs } from '../../src/workers/performjobs.ts'
import type { SlicedJobs } from '../../src/workers/performjobs.ts'

interface Counting {
  /** Counts `until` slices. */
  count(until: number): Promise<number>
  /** Waits for its signal alone. */
  wait(): Promise<unknown>
}

const counting: SlicedJobs<Counting> = {
  count: async (job, until) => {
    let slices = 0
    for (; slices < until; slices++) await job.checkpoint()
    return slices
  },
  wait: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason))),
}

test('an abort is heard by every call of its job, at a checkpoint or through the signal', async () => {
  const api = performJobs(counting)
  const calls = [api.count(1, Infinity), api.count(1, Infinity)].map((call) => call.catch((error: unknown) => error))
  calls.push(api.wait(1))
  await api.abortJob(1)
  for (const reason of await Promise.all(calls)) expect(CodexError.is(reason, 'worker/aborted')).toBe(true)
})

test('an abort of another job, or one that comes too late, changes nothing', async () => {
  const api = performJobs(counting)
  await api.abortJob(1)
  const call = api.count(2, 20)
  await api.abortJob(1)
  await api.abortJob(3)
  expect(await call).toBe(20)
  expect(await api.count(1, 3)).toBe(3)
})

test("a job must not take the name of the pool's own functions", () => {
  expect(() => performJobs<{ loaded(): Promise<void> }>({ loaded: async () => {} })).toThrow(AssertionError)
})
