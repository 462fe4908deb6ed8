import { describe, expect, it } from 'vitest'

import { readAhead } from '../../src/lib/readahead.ts'

describe('readAhead', () => {
  it('gives every item in order, and has asked for the next by then', async () => {
    const asked: number[] = []
    async function* items(): AsyncGenerator<number, void> {
      for (let i = 0; i < 4; i++) {
        asked.push(i)
        yield i
      }
    }
    const seen: number[] = []
    for await (const item of readAhead(items())) {
      await Promise.resolve()
      await Promise.resolve()
      seen.push(item)
      expect(asked).toContain(Math.min(3, item + 1))
      expect(asked).not.toContain(item + 2)
    }
    expect(seen).toEqual([0, 1, 2, 3])
  })

  it('fails as the items do, after those before', async () => {
    async function* items(): AsyncGenerator<number, void> {
      yield 1
      throw new Error('broken')
    }
    const seen: number[] = []
    const run = async (): Promise<void> => {
      for await (const item of readAhead(items())) seen.push(item)
    }
    await expect(run()).rejects.toThrow('broken')
    expect(seen).toEqual([1])
  })

  it('tells the items to end when the consumer stops, even if they hang', async () => {
    let hasEnded = false
    async function* items(): AsyncGenerator<number, void> {
      try {
        for (;;) yield 1
      } finally {
        hasEnded = true
      }
    }
    for await (const _ of readAhead(items())) break
    await Promise.resolve()
    await Promise.resolve()
    expect(hasEnded).toBe(true)
    async function* hanging(): AsyncGenerator<number, void> {
      yield 1
      await new Promise(() => undefined)
    }
    for await (const _ of readAhead(hanging())) break
  })
})
