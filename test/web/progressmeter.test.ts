import { expect, test } from 'vitest'

import { ProgressMeter } from '../../web/progressmeter.ts'

test('a rate and the time left follow from the last seconds', () => {
  const meter = new ProgressMeter(10_000)
  expect(meter.advance(0, 1000)).toEqual({ doneBytes: 0, bytesPerSecond: 0, secondsLeft: undefined })
  // Too short a span to say.
  expect(meter.advance(500, 1100).secondsLeft).toBeUndefined()
  expect(meter.advance(1000, 2000)).toEqual({ doneBytes: 1000, bytesPerSecond: 1000, secondsLeft: 9 })
  // Twice as fast for longer than the window: the slow beginning is forgotten.
  let last = meter.advance(1000, 2000)
  for (let second = 3; second <= 10; second++) last = meter.advance(1000 + (second - 2) * 1000 * 2, second * 1000)
  expect(last.bytesPerSecond).toBe(2000)
  expect(meter.advance(17_000, 10_500).bytesPerSecond).toBeLessThan(2000)
})

test('a transfer slower than the window still has a rate', () => {
  const meter = new ProgressMeter(4000)
  meter.advance(0, 0)
  expect(meter.advance(1000, 20_000)).toEqual({ doneBytes: 1000, bytesPerSecond: 50, secondsLeft: 60 })
})
