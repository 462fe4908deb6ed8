import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AssertionError, CodexError } from '../../src/lib/errors.ts'
import { KernelHeap } from '../../wasm/field/kernelheap.ts'

const PAGE = 1 << 16

function heapOf(maxBytes = 64 * PAGE, from = 100): KernelHeap {
  return new KernelHeap(new WebAssembly.Memory({ initial: 1 }), from, maxBytes)
}

describe('the memory above a kernel', () => {
  it('lends areas that never overlap, aligned, inside the memory', () => {
    const step = fc.oneof(fc.nat({ max: 100_000 }), fc.constant(-1))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, seed) => {
        const heap = heapOf()
        const lent = new Map<number, number>()
        steps.forEach((bytes, i) => {
          const [victim] = [...lent.keys()].slice((seed + i) % Math.max(1, lent.size))
          if (bytes < 0) {
            if (victim === undefined) return
            heap.takeBack(victim)
            lent.delete(victim)
            return
          }
          const from = heap.lend(bytes)
          expect(from % 64).toBe(0)
          expect(from).toBeGreaterThanOrEqual(100)
          expect(from + bytes).toBeLessThanOrEqual(heap.memoryBytes)
          for (const [other, size] of lent) expect(from + bytes <= other || other + size <= from).toBe(true)
          lent.set(from, bytes)
        })
        for (const address of lent.keys()) heap.takeBack(address)
        expect(heap.lentBytes).toBe(0)
        // Everything is one area again.
        const pages = heap.memoryBytes
        heap.lend(pages - 128)
        expect(heap.memoryBytes).toBe(pages)
      }),
    )
  })

  it('grows by no more than it needs', () => {
    const heap = heapOf(64 * PAGE, 0)
    heap.lend(PAGE)
    expect(heap.memoryBytes).toBe(PAGE)
    heap.lend(1)
    expect(heap.memoryBytes).toBe(2 * PAGE)
  })

  it('uses the lowest area again that is large enough', () => {
    const heap = heapOf()
    const areas = [1000, 64, 1000, 64].map((bytes) => heap.lend(bytes))
    heap.takeBack(areas[0] ?? 0)
    heap.takeBack(areas[2] ?? 0)
    expect(heap.lend(1001)).toBe(areas[0])
    expect(heap.lend(900)).toBe(areas[2])
    expect(heap.lentBytes).toBe(1024 + 64 + 960 + 64)
  })

  it('refuses more than its limit and stays as it was', () => {
    const heap = heapOf(2 * PAGE)
    const refusal = ((): unknown => {
      try {
        return heap.lend(2 * PAGE)
      } catch (error) {
        return error
      }
    })()
    expect(CodexError.is(refusal, 'field/out-of-memory')).toBe(true)
    expect(heap.lentBytes).toBe(0)
    expect(heap.memoryBytes).toBe(PAGE)
    heap.lend(PAGE)
  })

  it('shows the memory as it is after it grew', () => {
    const heap = heapOf()
    const before = heap.bytes
    const at = heap.lend(3 * PAGE)
    heap.bytes[at + 2 * PAGE] = 7
    expect(before.length).toBe(0)
    expect(heap.bytes[at + 2 * PAGE]).toBe(7)
  })

  it('takes back only what it lent', () => {
    const heap = heapOf()
    const area = heap.lend(1)
    heap.takeBack(area)
    expect(() => heap.takeBack(area)).toThrow(AssertionError)
  })
})
