import { expect, test } from 'vitest'

import { isCrowded, MAX_INBOUND_BY_ADDRESS } from '../../src/exchange/crowding.ts'

const many = (address: string): string[] => Array.from({ length: MAX_INBOUND_BY_ADDRESS }, () => address)

test('so many come in from one address, and others beside them', () => {
  const here = many('/ip4/192.0.2.1/tcp/1000')
  expect(isCrowded('/ip4/192.0.2.1/tcp/2000', here.slice(1))).toBe(false)
  expect(isCrowded('/ip4/192.0.2.1/tcp/2000', here)).toBe(true)
  expect(isCrowded('/ip4/192.0.2.2/tcp/2000', here)).toBe(false)
})

test('of version 6 the network counts', () => {
  const here = many('/ip6/2001:db8:1:2::5/tcp/1000')
  expect(isCrowded('/ip6/2001:db8:1:2:9::/tcp/2000', here)).toBe(true)
  expect(isCrowded('/ip6/2001:db8:1:3::5/tcp/2000', here)).toBe(false)
})

test('this machine and WebSocket are not counted', () => {
  for (const address of ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1', '/ip4/192.0.2.1/tcp/1/ws'])
    expect(isCrowded(address, many(address))).toBe(false)
})
