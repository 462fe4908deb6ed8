import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { IndexedHeap } from '../../src/lib/heap.ts'

type Real = IndexedHeap<number, number>
interface ModelEntry {
  readonly key: number
  item: number
  readonly order: number
}
/** The same queue as an array that is sorted anew for every question. */
interface Model {
  entries: ModelEntry[]
  pushed: number
}

const ascending = (a: number, b: number) => a - b
const inOrder = (model: Model) => model.entries.toSorted((a, b) => a.item - b.item || a.order - b.order)
const find = (model: Model, key: number) => model.entries.find((entry) => entry.key === key)
const strip = (entry: ModelEntry | undefined) => entry && { key: entry.key, item: entry.item }

abstract class Command implements fc.Command<Model, Real> {
  check(): boolean {
    return true
  }
  run(model: Model, real: Real): void {
    this.act(model, real)
    expect(real.size).toBe(model.entries.length)
    expect(real.peek()).toEqual(strip(inOrder(model)[0]))
  }
  abstract act(model: Model, real: Real): void
}

class Push extends Command {
  readonly key: number
  readonly item: number
  constructor(key: number, item: number) {
    super()
    this.key = key
    this.item = item
  }
  override act(model: Model, real: Real): void {
    const fresh = find(model, this.key) === undefined
    expect(real.push(this.key, this.item)).toBe(fresh)
    if (fresh) model.entries.push({ key: this.key, item: this.item, order: model.pushed++ })
  }
  override toString(): string {
    return `push(${this.key}, ${this.item})`
  }
}

class Pop extends Command {
  override act(model: Model, real: Real): void {
    const first = inOrder(model)[0]
    expect(real.pop()).toEqual(strip(first))
    model.entries = model.entries.filter((entry) => entry !== first)
  }
  override toString(): string {
    return 'pop()'
  }
}

class Remove extends Command {
  readonly key: number
  constructor(key: number) {
    super()
    this.key = key
  }
  override act(model: Model, real: Real): void {
    expect(real.remove(this.key)).toBe(find(model, this.key)?.item)
    model.entries = model.entries.filter((entry) => entry.key !== this.key)
  }
  override toString(): string {
    return `remove(${this.key})`
  }
}

class Update extends Command {
  readonly key: number
  readonly item: number
  constructor(key: number, item: number) {
    super()
    this.key = key
    this.item = item
  }
  override act(model: Model, real: Real): void {
    const entry = find(model, this.key)
    expect(real.update(this.key, this.item)).toBe(entry !== undefined)
    if (entry) entry.item = this.item
  }
  override toString(): string {
    return `update(${this.key}, ${this.item})`
  }
}

class Look extends Command {
  readonly key: number
  constructor(key: number) {
    super()
    this.key = key
  }
  override act(model: Model, real: Real): void {
    expect(real.has(this.key)).toBe(find(model, this.key) !== undefined)
    expect(real.get(this.key)).toBe(find(model, this.key)?.item)
    expect(real.sorted()).toEqual(inOrder(model).map(strip))
  }
  override toString(): string {
    return `look(${this.key})`
  }
}

class Clear extends Command {
  override act(model: Model, real: Real): void {
    real.clear()
    model.entries = []
  }
  override toString(): string {
    return 'clear()'
  }
}

describe('IndexedHeap', () => {
  it('does all that a sorted array does', () => {
    // Few keys and fewer items: collisions and ties are where a heap goes wrong.
    const key = fc.nat(30)
    const item = fc.nat(6)
    const commands = [
      fc.tuple(key, item).map(([k, i]) => new Push(k, i)),
      fc.tuple(key, item).map(([k, i]) => new Push(k, i)),
      fc.tuple(key, item).map(([k, i]) => new Update(k, i)),
      fc.constant(new Pop()),
      key.map((k) => new Remove(k)),
      key.map((k) => new Look(k)),
      fc.constant(new Clear()),
    ]
    fc.assert(
      fc.property(fc.commands(commands, { maxCommands: 200, size: 'max' }), (run) => {
        fc.modelRun(
          () => ({ model: { entries: [], pushed: 0 }, real: new IndexedHeap<number, number>(ascending) }),
          run,
        )
      }),
      { numRuns: 200 },
    )
  })

  it('sorts any numbers, equal ones in the order they were pushed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 300 }), (numbers) => {
        const heap = new IndexedHeap<number, { n: number; at: number }>((a, b) => a.n - b.n)
        const items = numbers.map((n, at) => ({ n, at }))
        for (const item of items) heap.push(item.at, item)
        const out = items.map(() => heap.pop()?.item)
        expect(out).toEqual(items.toSorted((a, b) => a.n - b.n || a.at - b.at))
        expect(heap.pop()).toBeUndefined()
      }),
    )
  })

  it('asks for few comparisons: each verb stays within twice the depth', () => {
    let comparisons = 0
    const heap = new IndexedHeap<number, number>((a, b) => {
      comparisons++
      return a - b
    })
    const count = 2 ** 14
    const most = (act: () => void) => {
      comparisons = 0
      act()
      expect(comparisons).toBeLessThanOrEqual(2 * 15 + 2)
    }
    for (let i = 0; i < count; i++) most(() => heap.push(i, (i * 7919) % count))
    for (let i = 0; i < count; i += 3) most(() => heap.remove(i))
    for (let i = 1; i < count; i += 3) most(() => heap.update(i, (i * 104_729) % count))
    while (heap.size > 0) most(() => heap.pop())
  })

  it('keeps the rank of the push when an item is updated', () => {
    const heap = new IndexedHeap<string, number>(ascending)
    heap.push('first', 5)
    heap.push('second', 1)
    heap.update('first', 1)
    expect(heap.sorted().map(({ key }) => key)).toEqual(['first', 'second'])
  })

  it('stops at an order that is no number', () => {
    const heap = new IndexedHeap<string, number>(ascending)
    heap.push('a', Number.NaN)
    expect(() => heap.push('b', 1)).toThrow('order of two items')
  })
})
