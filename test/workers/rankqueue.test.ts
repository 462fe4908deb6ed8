import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_PASSED_OVER, RankQueue, RANKS } from '../../src/workers/rankqueue.ts'
import type { Rank, Ranked } from '../../src/workers/rankqueue.ts'

const LIMIT = 5

/** Plain lists, looked through anew for every question. */
interface Model {
  readonly waiting: Record<Rank, Ranked[]>
  readonly passedOver: Record<Rank, number>
  readonly taken: Ranked[]
  tickets: number
}

type Real = RankQueue<Ranked>

abstract class Command implements fc.Command<Model, Real> {
  check(): boolean {
    return true
  }
  run(model: Model, real: Real): void {
    this.act(model, real)
    expect(real.size).toBe(RANKS.reduce((sum, rank) => sum + model.waiting[rank].length, 0))
  }
  abstract act(model: Model, real: Real): void
}

class Push extends Command {
  readonly rank: Rank
  constructor(rank: Rank) {
    super()
    this.rank = rank
  }
  override act(model: Model, real: Real): void {
    const item = { rank: this.rank, ticket: ++model.tickets }
    const hasRoom = model.waiting[this.rank].length < LIMIT
    expect(real.push(item)).toBe(hasRoom)
    if (hasRoom) model.waiting[this.rank].push(item)
  }
  override toString(): string {
    return `push(${this.rank})`
  }
}

class Take extends Command {
  override act(model: Model, real: Real): void {
    const occupied = RANKS.filter((rank) => model.waiting[rank].length > 0)
    const rank = occupied.find((lane) => model.passedOver[lane] >= MAX_PASSED_OVER) ?? occupied[0]
    const item = rank && model.waiting[rank].shift()
    expect(real.take()).toBe(item)
    if (rank === undefined || item === undefined) return
    model.passedOver[rank] = 0
    for (const lower of occupied) if (RANKS.indexOf(lower) > RANKS.indexOf(rank)) model.passedOver[lower]++
    model.taken.push(item)
  }
  override toString(): string {
    return 'take()'
  }
}

class Remove extends Command {
  readonly rank: Rank
  readonly place: number
  constructor(rank: Rank, place: number) {
    super()
    this.rank = rank
    this.place = place
  }
  override act(model: Model, real: Real): void {
    const lane = model.waiting[this.rank]
    const item = lane[this.place]
    expect(real.remove(item ?? { rank: this.rank, ticket: -1 })).toBe(item !== undefined)
    if (item === undefined) return
    lane.splice(this.place, 1)
    if (lane.length === 0) model.passedOver[this.rank] = 0
  }
  override toString(): string {
    return `remove(${this.rank}, ${this.place})`
  }
}

class PutBack extends Command {
  readonly nth: number
  constructor(nth: number) {
    super()
    this.nth = nth
  }
  override check(model?: Readonly<Model>): boolean {
    return model !== undefined && this.nth < model.taken.length
  }
  override act(model: Model, real: Real): void {
    const [item] = model.taken.splice(this.nth, 1)
    if (item === undefined) return
    real.putBack(item)
    model.waiting[item.rank].push(item)
    model.waiting[item.rank].sort((a, b) => a.ticket - b.ticket)
  }
  override toString(): string {
    return `putBack(${this.nth})`
  }
}

const rank = fc.constantFrom(...RANKS)

describe('RankQueue', () => {
  test('behaves as plain lists do', () => {
    const commands = fc.commands(
      [
        rank.map((which) => new Push(which)),
        rank.map((which) => new Push(which)),
        fc.constant(new Take()),
        fc.tuple(rank, fc.nat(LIMIT)).map(([which, place]) => new Remove(which, place)),
        fc.nat(3).map((nth) => new PutBack(nth)),
      ],
      { maxCommands: 200 },
    )
    const setup = (): { model: Model; real: Real } => ({
      model: {
        waiting: { duty: [], sale: [], background: [] },
        passedOver: { duty: 0, sale: 0, background: 0 },
        taken: [],
        tickets: 0,
      },
      real: new RankQueue(LIMIT),
    })
    fc.assert(
      fc.property(commands, (list) => fc.modelRun(setup, list)),
      { numRuns: 300 },
    )
  })

  test('nothing is passed over for ever, however many of higher rank come', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<Rank>('duty', 'sale'), { minLength: 1, maxLength: 8 }), (pattern) => {
        const queue = new RankQueue<Ranked>(1000)
        let ticket = 0
        const background = [1, 2, 3].map((): Ranked => ({ rank: 'background', ticket: ++ticket }))
        for (const item of background) queue.push(item)
        for (const [index, item] of background.entries()) {
          let starts = 0
          for (;;) {
            for (const which of pattern) queue.push({ rank: which, ticket: ++ticket })
            starts++
            if (queue.take() === item) break
            expect(starts, `place ${index}`).toBeLessThan(MAX_PASSED_OVER + 2)
          }
        }
      }),
    )
  })

  test('as long as nobody is starved, the order is that of rank and ticket', () => {
    fc.assert(
      fc.property(fc.array(rank, { maxLength: MAX_PASSED_OVER }), (ranks) => {
        const queue = new RankQueue<Ranked>(1000)
        const items = ranks.map((which, ticket): Ranked => ({ rank: which, ticket }))
        for (const item of items) queue.push(item)
        const order = items.toSorted((a, b) => RANKS.indexOf(a.rank) - RANKS.indexOf(b.rank) || a.ticket - b.ticket)
        expect(queue.drain()).toEqual(order)
        expect(queue.size).toBe(0)
      }),
    )
  })

  test('a full rank leaves the others their room', () => {
    const queue = new RankQueue<Ranked>(1)
    expect(queue.push({ rank: 'background', ticket: 1 })).toBe(true)
    expect(queue.push({ rank: 'background', ticket: 2 })).toBe(false)
    expect(queue.push({ rank: 'duty', ticket: 3 })).toBe(true)
  })

  test('a ticket waits only once', () => {
    const queue = new RankQueue<Ranked>(2)
    const item: Ranked = { rank: 'sale', ticket: 1 }
    queue.push(item)
    expect(() => queue.putBack(item)).toThrow('waits only once')
  })
})
