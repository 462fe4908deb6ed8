import { describe, expect, it } from 'vitest'
import { DigestList } from '../../src/protocol/digestlist.ts'
import { allocatedBytes } from './hostile.ts'

const digest = (i: number): Uint8Array => new Uint8Array(32).fill(i & 255).fill(i >> 8, 16)

describe('DigestList', () => {
  it('keeps copies in order over its chunks, and has nothing beyond its end', () => {
    const list = new DigestList()
    const borrowed = new Uint8Array(32)
    for (let i = 0; i < 2500; i++) {
      borrowed.set(digest(i))
      list.push(borrowed)
    }
    expect(list.length).toBe(2500)
    for (let i = 0; i < 2500; i++) expect(list.at(i)).toEqual(digest(i))
    for (const index of [-1, 2500, 3000]) expect(() => list.at(index)).toThrow(RangeError)
  })

  it('takes little memory for few digests and little more than theirs for many', () => {
    const fill = (count: number) => () => {
      const list = new DigestList()
      for (let i = 0; i < count; i++) list.push(new Uint8Array(0))
    }
    expect(allocatedBytes(fill(1))).toBeLessThanOrEqual(8 * 32)
    expect(allocatedBytes(fill(100_000))).toBeLessThan(100_000 * 32 + 3 * 1024 * 32)
  })
})
