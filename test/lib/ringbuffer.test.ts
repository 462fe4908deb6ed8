import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { RingBuffer } from '../../src/lib/ringbuffer.ts'

describe('RingBuffer', () => {
  it('keeps the last of any stream, oldest first', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.nat(), { maxLength: 40 }), (capacity, stream) => {
        const ring = new RingBuffer<number>(capacity)
        for (const [at, item] of stream.entries()) {
          ring.push(item)
          const seen = stream.slice(0, at + 1)
          expect(ring.toArray()).toEqual(seen.slice(-capacity))
          expect([ring.size, ring.dropped]).toEqual([
            Math.min(seen.length, capacity),
            Math.max(seen.length - capacity, 0),
          ])
        }
      }),
    )
  })

  it('starts afresh after clear', () => {
    const ring = new RingBuffer<number>(2)
    for (const item of [1, 2, 3]) ring.push(item)
    ring.clear()
    expect(ring.toArray()).toEqual([])
    for (const item of [4, 5, 6]) ring.push(item)
    expect(ring.toArray()).toEqual([5, 6])
  })

  it('holds at least one item', () => {
    for (const capacity of [0, 1.5, -1, Infinity]) expect(() => new RingBuffer(capacity)).toThrow('at least one')
  })
})
