// What peers may say in a second, and how their messages are read meanwhile.

import { describe, expect, it } from 'vitest'

import { hearMessage } from '../../src/exchange/decodemessage.ts'
import { encodeMessage } from '../../src/exchange/encodemessage.ts'
import type { Asker } from '../../src/exchange/fairlimit.ts'
import { FairLimit } from '../../src/exchange/fairlimit.ts'
import {
  ALL_ENTRIES_IN_BURST,
  CID_ENTRIES,
  ENTRIES_IN_BURST,
  ENTRIES_PER_SECOND,
  MAX_REMEMBERED_PEERS,
  PeerLimits,
} from '../../src/exchange/peerlimits.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import { treeCid } from '../../src/protocol/merkletree.ts'
import { range } from '../fakes/exchangepeers.ts'
import { NEVER } from '../fakes/memorystore.ts'
import { isSettled } from '../fakes/issettled.ts'

function limited() {
  const clock = new ManualClock(0)
  const limits = new PeerLimits(clock)
  const spend = (peer: string, entries: number, cids = 0): Promise<void> =>
    limits.spend(peer, { entries, cids }, { signal: new AbortController().signal })
  return { clock, limits, spend }
}

it('a peer that comes again is held to what it said before, and another is not', async () => {
  const { clock, spend } = limited()
  await spend('one', ENTRIES_IN_BURST)
  const again = spend('one', 1)
  await spend('other', 1)
  expect(await isSettled(again)).toBe(false)
  await clock.play(1)
  await again
  // As many trees of their own are worth as many entries, and some.
  await spend('third', 0, ENTRIES_IN_BURST / CID_ENTRIES)
  expect(await isSettled(spend('third', 1))).toBe(false)
  await clock.play(1)
})

it('all together are held to a sum, under however many names; who says little waits the least', async () => {
  const { clock, spend } = limited()
  const names = range(100).map((i) => spend(`name-${i}`, ENTRIES_PER_SECOND))
  const served = async (): Promise<number> => (await Promise.all(names.map(isSettled))).filter(Boolean).length
  expect(await served()).toBeLessThanOrEqual(ALL_ENTRIES_IN_BURST / ENTRIES_PER_SECOND + 1)
  const honest = spend('honest', 10)
  await clock.play(2)
  expect(await isSettled(honest)).toBe(true)
  expect(await served()).toBeLessThan(50)
  await clock.play(60)
  expect(await served()).toBe(100)
  expect(clock.waiting).toBe(0)
})

describe('when there is not enough for all', () => {
  it.each<readonly [string, (i: number) => number]>([
    ['say as much at once as they may', () => ENTRIES_PER_SECOND],
    ['send empty messages', () => 0],
    ['do some of each', (i) => (i % 2) * ENTRIES_PER_SECOND],
  ])('one that says what nodes that mean well say is heard at once beside many that %s', async (_, entriesOf) => {
    const { clock, limits, spend } = limited()
    const over = new AbortController()
    // What all may say is used up, and owed, all the time.
    for (const i of range(6)) await Promise.race([spend(`much-${i}`, ENTRIES_IN_BURST), nextTask()])
    const attacks = range(8).map(async (i) => {
      for (;;) await limits.spend(`attacker-${i}`, { entries: entriesOf(i), cids: 0 }, over)
    })
    for (let second = 0; second < 20; second++) {
      const [first, next] = [spend('honest', 20), spend('honest', 100)]
      expect(await isSettled(first)).toBe(true)
      expect(await isSettled(next)).toBe(true)
      await clock.play(1)
    }
    over.abort(new Error('enough'))
    await Promise.allSettled(attacks)
  })

  const PER_SECOND = 100
  const scarce = () => {
    const clock = new ManualClock(0)
    const limit = new FairLimit(clock, PER_SECOND, PER_SECOND)
    const over = new AbortController()
    const askers = new Map<string, Asker>()
    const ask = (name: string, amount: number): Promise<void> => {
      const asker = askers.get(name) ?? { due: 0 }
      askers.set(name, asker)
      return limit.spend(asker, amount, over)
    }
    return { clock, over, ask }
  }

  it.each<readonly [string, number, (i: number) => number]>([
    // As many as use up everything, in each second.
    ['say next to nothing', 120, () => 1],
    ['say much', 120, () => 600],
    ['say now this, now that', 240, (i) => (i % 2 === 0 ? 1 : 600)],
  ])('one waits until each of many others that %s has said as much, and no longer', async (_, count, amountOf) => {
    const { clock, over, ask } = scarce()
    let names = 0
    const all = range(count).map(async (i) => {
      // A new name is no advantage.
      for (;;) await ask(i % 3 === 0 ? `new-${names++}` : `peer-${i}`, amountOf(i))
    })
    await clock.play(10)
    for (let turn = 0; turn < 3; turn++) {
      const asked = ask('honest', 5)
      await clock.play((count * 5 + 1200) / PER_SECOND + 2)
      expect(await isSettled(asked)).toBe(true)
    }
    over.abort(new Error('enough'))
    await Promise.allSettled(all)
    expect(clock.waiting).toBe(0)
  })

  it('one that asks for several things at once has them one after the other, as if each had waited for the last', async () => {
    const { clock, ask } = scarce()
    await ask('first', 3 * PER_SECOND)
    const many = range(20).map(() => ask('greedy', 10))
    const other = ask('other', 40)
    await clock.play(3)
    expect(await isSettled(other)).toBe(true)
    expect((await Promise.all(many.map(isSettled))).filter(Boolean).length).toBeLessThan(15)
    await clock.play(10)
    await Promise.all(many)
  })
})

it('one that gives up waiting is forgotten, and so are those heard of longest ago', async () => {
  const clock = new ManualClock(0)
  const limits = new PeerLimits(clock)
  const giveUp = new AbortController()
  const spend = (peer: string, entries: number, signal = NEVER) => limits.spend(peer, { entries, cids: 0 }, { signal })
  for (const i of range(4)) await spend(`much-${i}`, ENTRIES_IN_BURST)
  const waiting = spend('waits', 5000, giveUp.signal)
  giveUp.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(clock.waiting).toBe(0)
  await clock.play(60)
  for (const i of range(MAX_REMEMBERED_PEERS)) await spend(`little-${i}`, 0)
  await spend('much-0', 1)
})

it('a message that names thousands of trees is read in slices, and counted for it', async () => {
  const wants = range(4096).map((i) => {
    const root = new Uint8Array(32)
    new DataView(root.buffer).setUint32(0, i)
    return { treeCid: treeCid(root), index: 0, wantType: 1 as const }
  })
  const bytes = encodeMessage({ wants })
  let turns = 0
  let isOver = false
  const counting = (async () => {
    for (; !isOver; turns++) await nextTask()
  })()
  const heard = await hearMessage(bytes)
  isOver = true
  await counting
  expect(heard).toMatchObject({ entries: 4096, cids: 4096 })
  expect(heard.message.wants).toEqual(
    wants.map((want) => ({ ...want, priority: 0, cancel: false, sendDontHave: false })),
  )
  expect(turns).toBeGreaterThan(20)
})

it('a message that names few trees again and again reads each of them once', async () => {
  const roots = range(3).map((i) => treeCid(new Uint8Array(32).fill(i)))
  const wants = range(900).map((i) => ({ treeCid: roots[i % 3] ?? '', index: i, wantType: 0 as const }))
  expect(await hearMessage(encodeMessage({ wants }))).toMatchObject({ entries: 900, cids: 3 })
})
