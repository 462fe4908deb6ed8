import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evenRuns } from '../../src/workers/evenruns.ts'

test('cuts into rounds of all workers, as few as will do', () => {
  expect(evenRuns(0, 8, 2)).toEqual([])
  expect(evenRuns(1, 8, 2)).toEqual([{ from: 0, to: 1 }])
  expect(evenRuns(5, 8, 2)).toEqual([
    { from: 0, to: 2 },
    { from: 2, to: 5 },
  ])
  expect(evenRuns(17, 8, 2).map(({ from, to }) => to - from)).toEqual([4, 4, 4, 5])
})

test('covers everything in order, none empty, none too long, lengths within one of each other', () => {
  const size = fc.integer({ min: 1, max: 40 })
  fc.assert(
    fc.property(fc.nat(1000), size, size, (count, longest, workers) => {
      const runs = evenRuns(count, longest, workers)
      const lengths = runs.map(({ from, to }) => to - from)
      expect(runs.map(({ from }) => from)).toEqual(runs.map((_, i) => runs[i - 1]?.to ?? 0))
      expect(runs.at(-1)?.to ?? 0).toBe(count)
      if (count === 0) return
      expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1)
      expect(Math.max(...lengths)).toBeLessThanOrEqual(longest)
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1)
      if (count >= workers) expect(runs.length % workers === 0 || runs.length === count).toBe(true)
    }),
  )
})
