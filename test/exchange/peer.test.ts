// What is remembered of a peer: which blocks may still come from it.

import { expect, it } from 'vitest'
import type { Link } from '../../src/exchange/link.ts'
import { MAX_LATE_KEYS, Peer } from '../../src/exchange/peer.ts'

const LINK = { peerId: 'a' } as Link

it('may deliver late what was asked of it before, once, also when it was asked again meanwhile', () => {
  const peer = new Peer(LINK, 0)
  peer.ask('block', { bytes: 10, maxBytes: 10 }, 0)
  peer.unask('block')
  peer.expectLate('block')
  peer.ask('block', { bytes: 10, maxBytes: 10 }, 1)
  expect(peer.askedBytes).toBe(10)
  // It answers the second asking, and then the first.
  expect(peer.unask('block')).toEqual({ bytes: 10, maxBytes: 10, since: 1 })
  expect(peer.takeLate('block')).toBe(true)
  expect(peer.takeLate('block')).toBe(false)
})

it('may not deliver late what was never taken back, nor more than is remembered', () => {
  const peer = new Peer(LINK, 0)
  peer.ask('block', { bytes: 10, maxBytes: 10 }, 0)
  peer.unask('block')
  expect(peer.takeLate('block')).toBe(false)
  for (let i = 0; i <= MAX_LATE_KEYS; i++) peer.expectLate(`block ${i}`)
  expect(peer.takeLate('block 0')).toBe(false)
  expect(peer.takeLate('block 1')).toBe(true)
})
