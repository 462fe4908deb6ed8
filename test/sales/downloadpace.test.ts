// A download is given up when it cannot be here in time, and not before: by its pace of late, or because nothing comes any more.

import { expect, it, onTestFinished } from 'vitest'
import { formatDuration, formatSizes } from '../../src/lib/format.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { DownloadPace, STALL_SECONDS } from '../../src/sales/downloadpace.ts'
import type { SaleContext } from '../../src/sales/salecontext.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }

const PERIOD = 100
const TERMS = vectors.meta.configs.example
const TOTAL = 100_000

/** @param arrives bytes that are here after so many seconds @returns when it was given up */
async function givenUpAt(
  arrives: (seconds: number) => number,
  deadline: number,
  secondsPerProof = 0,
): Promise<number | undefined> {
  const clock = new ManualClock(0)
  const ending = new AbortController()
  const context = {
    clock,
    market: { terms: { ...TERMS, proofs: { ...TERMS.proofs, period: PERIOD } } },
    capacity: () => ({ slots: 1, secondsPerProof, periodSeconds: PERIOD, share: 0.5 }),
    signal: ending.signal,
  } as unknown as SaleContext
  const pace = new DownloadPace(context, { totalBytes: TOTAL, deadline })
  onTestFinished(() => pace.end())
  for (let second = 0; second < deadline; second++) {
    const doneBytes = Math.min(TOTAL, arrives(second))
    if (doneBytes > 0) pace.note(doneBytes)
    if (doneBytes === TOTAL) return undefined
    await clock.play(1)
    if (pace.signal.aborted) {
      const outcome = pace.outcomeOf(new Error('aborted'))
      const [done, total] = formatSizes(doneBytes, TOTAL)
      const told = `too slow to be here in time: ${done} of ${total} in ${formatDuration(clock.now())}`
      expect(outcome).toEqual({ end: 'declined', why: 'too slow', told })
      return clock.now()
    }
  }
  return Infinity
}

it.each([
  ['comes steadily and in time', (s: number) => s * 100, 1200, undefined],
  ['comes steadily, and would be here too late', (s: number) => s * 50, 1200, 195],
  ['comes in time, but not for a proof and a fill', (s: number) => s * 100, 1110, 195],
  ['never comes', () => 0, 100_000, 195],
  ['stops', (s: number) => Math.min(s, 100) * 900, 100_000, 285],
  ['was here for the most part, and trickles', (s: number) => 90_000 + s, 5000, 195],
  ['came fast at first, and trickles', (s: number) => Math.min(s * 900, 90_000) + s, 5000, 615],
  ['is quick within the first minutes', (s: number) => s * 1000, 150, undefined],
  ['comes late, then fast', (s: number) => (s < 150 ? 0 : (s - 150) * 1000), 1000, undefined],
] as const)('data that %s', async (_, arrives, deadline, at) => {
  expect(STALL_SECONDS).toBe(180)
  expect(await givenUpAt(arrives, deadline)).toBe(at)
})

it('leaves time for the proof', async () => {
  const arrives = (s: number): number => s * 100
  expect(await givenUpAt(arrives, 1200, 80)).toBeUndefined()
  expect(await givenUpAt(arrives, 1200, 90)).toBe(195)
})
