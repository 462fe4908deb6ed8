// Who is asked for how much, and who goes for what was never delivered: the requester alone, with peers that say what they are told to.

import { expect, it } from 'vitest'

import type { CodexError } from '../../src/lib/errors.ts'
import { MiB } from '../../src/lib/units.ts'
import { Peer } from '../../src/exchange/peer.ts'
import { MIN_WINDOW_BYTES } from '../../src/exchange/ratemeter.ts'
import { MAX_IN_FLIGHT_BYTES, MAX_UNPROVEN_BYTES, Requester, SILENT_SECONDS } from '../../src/exchange/requester.ts'
import type { Consumer, WantTerms } from '../../src/exchange/want.ts'
import { BLOCK_SIZE, blockCid } from '../../src/protocol/block.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { range } from '../fakes/exchangepeers.ts'
import { memoryLinks } from '../fakes/memorylinks.ts'
import { seededBytes, TEST_HASHER } from '../fakes/memorystore.ts'

function scene() {
  const at = { now: 0 }
  const evicted = new Map<string, string>()
  const requester = new Requester({
    hasher: TEST_HASHER,
    now: () => at.now,
    random: () => 0.5,
    evict: (peer: Peer, { code }: CodexError) => {
      evicted.set(peer.id, code)
      requester.removePeer(peer)
      peer.leave(new Error('thrown out'))
    },
  })
  const peer = (id: string): Peer => {
    const made = new Peer(memoryLinks('us', id)[0], at.now)
    requester.addPeer(made)
    return made
  }
  const consumer: Consumer = { arrive: ({ release }) => release(), misfit: () => undefined, tick: () => undefined }
  const want = (cid: Cid, terms: WantTerms = { maxBytes: BLOCK_SIZE }) => requester.want({ cid }, terms, consumer)
  const have = (from: Peer, ...cids: Cid[]) =>
    requester.takePresences(
      from,
      cids.map((cid) => ({ cid, type: 'have', price: 0n })),
    )
  const pass = (seconds: number): void => {
    at.now += seconds
    requester.tick(at.now, seconds)
  }
  return { requester, evicted, peer, want, have, pass }
}

it('throws a peer out that says it has all and delivers nothing, also while another delivers what it owes', async () => {
  const { requester, evicted, peer, want, have, pass } = scene()
  const [silent, honest] = [peer('silent'), peer('honest')]
  for (let second = 0; second < 3 * SILENT_SECONDS && evicted.size === 0; second++) {
    // It owes nothing for a moment each time that it was given up.
    if (second % 7 === 0) {
      const cid = blockCid(seededBytes(64, second))
      want(cid)
      have(silent, cid)
      have(honest, cid)
    }
    pass(1)
    const deliveries = range(second + 1)
      .map((seed) => seededBytes(64, seed))
      .map((bytes) => ({ cid: blockCid(bytes), data: bytes }))
      .filter((delivery) => honest.asked.has(delivery.cid.key))
    await requester.takeDeliveries(honest, deliveries)
  }
  expect([...evicted]).toEqual([['silent', 'exchange/silent-peer']])
})

it('waits for a peer that is asked now and then and delivers, however long that is all in all', async () => {
  const { requester, evicted, peer, want, have, pass } = scene()
  const slow = peer('slow')
  for (let seed = 0; seed < 5; seed++) {
    const data = seededBytes(64, seed)
    const cid = blockCid(data)
    want(cid)
    have(slow, cid)
    for (let second = 0; second < SILENT_SECONDS - 1; second++) pass(1)
    await requester.takeDeliveries(slow, [{ cid, data }])
    pass(2 * SILENT_SECONDS)
  }
  expect(evicted.size).toBe(0)
})

it('takes a peer for slow, not for silent, whose blocks come when they are asked of another already', async () => {
  const { requester, evicted, peer, want, have, pass } = scene()
  const [slow, quick] = [peer('slow'), peer('quick')]
  const late: { readonly cid: Cid; readonly data: Uint8Array }[] = []
  for (let second = 0; second < 3 * SILENT_SECONDS && evicted.size === 0; second++) {
    if (second % 7 === 0) {
      const data = seededBytes(64, second)
      const cid = blockCid(data)
      want(cid)
      have(slow, cid)
      have(quick, cid)
      late.push({ cid, data })
    }
    pass(1)
    // What the quick one was asked for comes at once, what the slow one was asked for after twenty seconds.
    await requester.takeDeliveries(
      quick,
      late.filter(({ cid }) => quick.asked.has(cid.key)),
    )
    const due = second % 7 === 6 && second > 20 ? late.shift() : undefined
    if (due !== undefined) await requester.takeDeliveries(slow, [due])
  }
  expect([...evicted]).toEqual([])
})

it('keeps memory for those that have delivered before, however many others say that they have all', async () => {
  const { requester, peer, want, have } = scene()
  const blocks = range(MAX_IN_FLIGHT_BYTES / BLOCK_SIZE + 50).map((seed) => seededBytes(64, seed))
  const cids = blocks.map(blockCid)
  for (const cid of cids) want(cid)
  const names = range(150).map((i) => peer(`name-${i}`))
  for (const each of names) have(each, ...cids)
  expect(requester.inFlightBytes).toBe(MAX_UNPROVEN_BYTES)
  const [first] = names as [Peer]
  expect(first.askedBytes).toBeLessThanOrEqual(MIN_WINDOW_BYTES)
  const data = blocks.find((each) => first.asked.has(blockCid(each).key)) as Uint8Array
  await requester.takeDeliveries(first, [{ cid: blockCid(data), data }])
  expect(first.askedBytes).toBeGreaterThan(MIN_WINDOW_BYTES)
  for (const each of names.slice(1)) requester.removePeer(each)
  requester.removePeer(first)
  expect(requester.inFlightBytes).toBe(0)
})

it('keeps memory for what blocks have most often, and takes larger ones', async () => {
  const { requester, peer, want, have } = scene()
  const data = seededBytes(MiB, 1)
  const cid = blockCid(data)
  const one = peer('one')
  want(cid, { maxBytes: MiB, likelyBytes: BLOCK_SIZE })
  have(one, cid)
  expect(requester.inFlightBytes).toBe(BLOCK_SIZE)
  expect(one.maxMessageBytes()).toBeGreaterThan(2 * MiB)
  await requester.takeDeliveries(one, [{ cid, data }])
  expect(requester.wanted).toBe(0)
  expect(requester.inFlightBytes).toBe(0)
})
