// What peers may say in a second, and how their messages are read meanwhile.

import { expect, it } from 'vitest'

import { hearMessage } from '../../src/exchange/decodemessage.ts'
import { encodeMessage } from '../../src/exchange/encodemessage.ts'
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
  return { clock, spend }
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

it('one that gives up waiting is forgotten, and so are those heard of longest ago', async () => {
  const clock = new ManualClock(0)
  const limits = new PeerLimits(clock)
  const giveUp = new AbortController()
  const spend = (peer: string, entries: number, signal = NEVER) => limits.spend(peer, { entries, cids: 0 }, { signal })
  for (const i of range(4)) await spend(`much-${i}`, ENTRIES_IN_BURST)
  const waiting = spend('waits', 5, giveUp.signal)
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
