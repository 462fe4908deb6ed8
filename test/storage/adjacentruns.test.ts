import fc from 'fast-check'
import { expect, test } from 'vitest'
import { adjacentRuns } from '../../src/storage/adjacentruns.ts'

test('keeps every item in order; inside a run each begins where the last ended, within both limits', () => {
  const item = fc.record({ gap: fc.constantFrom(0, 0, 0, 1, 50), length: fc.nat(40) })
  fc.assert(
    fc.property(
      fc.array(item),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 5 }),
      (steps, maxBytes, maxItems) => {
        let end = 0
        const items = steps.map(({ gap, length }) => {
          const offset = end + gap
          end = offset + length
          return { offset, length }
        })
        const runs = adjacentRuns(items, { lengthOf: ({ length }) => length, maxBytes, maxItems })
        expect(runs.flat()).toEqual(items)
        for (const run of runs) {
          expect(run.length).toBeGreaterThanOrEqual(1)
          expect(run.length).toBeLessThanOrEqual(maxItems)
          if (run.length > 1) expect(run.reduce((total, { length }) => total + length, 0)).toBeLessThanOrEqual(maxBytes)
          run.slice(1).forEach(({ offset }, i) => expect(offset).toBe((run[i]?.offset ?? 0) + (run[i]?.length ?? 0)))
        }
      },
    ),
  )
})
