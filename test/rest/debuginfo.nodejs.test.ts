// What a node says of its own make: release, commit, and the contracts that it deals with.

import { expect, test } from 'vitest'
import { fakeSurface } from './fakesurface.ts'

const PEER = '16Uiu2HAm5zpp3mL74AkrXK2RwpXUtbgZh17PGZzanbdZkB6ytkx8'

async function codexOf(marketplace: string | undefined): Promise<unknown> {
  const ask = fakeSurface({
    node: {},
    network: { peerId: PEER, addresses: () => [], spr: () => 'spr:x' },
    marketplace: {
      isWanted: true,
      parts: () => (marketplace === undefined ? undefined : ({ market: { marketplace } } as never)),
      waiting: () => undefined,
      unproven: () => undefined,
    },
  })
  const answer = await ask('codex/v1/debug/info', {})
  return ((await answer.json()) as { readonly codex: unknown }).codex
}

test('names the contract of the marketplace it is in, and none where it is in none', async () => {
  const marketplace = `0x${'12'.repeat(20)}`
  expect(await codexOf(marketplace)).toEqual({ version: '0', revision: 'abcdef01', contracts: marketplace })
  expect(await codexOf(undefined)).toEqual({ version: '0', revision: 'abcdef01', contracts: '' })
})
