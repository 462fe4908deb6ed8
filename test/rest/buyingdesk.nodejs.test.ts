// Storage bought over REST: what was begun goes on without who asked, and is what the next one gets who asks for the same.

import { expect, test } from 'vitest'
import { type AbortOptions, raceAbort } from '../../src/lib/abort.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import { KEPT_SECONDS } from '../../src/rest/buyingdesk.ts'
import type { MarketplaceParts } from '../../src/rest/marketparts.ts'
import { fakeSurface, PURCHASE } from './fakesurface.ts'

const { manifest, manifestCid: cid } = describeUpload(new Uint8Array(300_000))

/** Fetches wait until they are let go; each purchase has an id of its own. */
function surface(problem?: CodexError) {
  let letGo: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (letGo = resolve))
  const time = { now: 1_700_000_000 }
  let bought = 0
  let begun = 0
  const marketplace = {
    market: { terms: { requestDurationLimit: 86_400 } },
    buying: { buy: async () => ({ id: `0x${String(++bought).padStart(64, '0')}` }) },
  } as unknown as MarketplaceParts
  const ask = fakeSurface({
    node: {},
    network: {
      hasPeers: true,
      manifest: async () => {
        if (problem !== undefined) throw problem
        return manifest
      },
      fetch: (_: unknown, { signal }: AbortOptions) => {
        begun++
        return raceAbort(gate, signal)
      },
    },
    marketplace: { isWanted: true, parts: () => marketplace, waiting: () => undefined, unproven: () => undefined },
    clock: { now: () => time.now, until: async () => undefined },
  })
  const buy = async (change: object = {}, signal?: AbortSignal): Promise<[number, string]> => {
    const body = JSON.stringify({ ...PURCHASE, ...change })
    const answer = await ask(`codex/v1/storage/request/${cid}`, { method: 'POST', body, ...(signal && { signal }) })
    return [answer.status, (await answer.text()).replace(/^0+/, '')]
  }
  return { buy, letGo: () => letGo(), bought: () => bought, begun: () => begun, time }
}

test('of those who wait each gets a purchase, also where they ask for the same', async () => {
  const { buy, letGo } = surface()
  const all = [buy(), buy(), buy(), buy({ duration: 7200 })]
  letGo()
  expect((await Promise.all(all)).sort()).toEqual(['1', '2', '3', '4'].map((id) => [200, id]))
  expect(await buy()).toEqual([200, '5'])
})

test('what one left is joined by one other only', async () => {
  const { buy, letGo, begun } = surface()
  const leaving = new AbortController()
  const left = buy({}, leaving.signal)
  await expect.poll(begun).toBe(1)
  leaving.abort()
  await left
  const both = [buy(), buy()]
  await expect.poll(begun).toBe(2)
  letGo()
  expect(await Promise.all(both)).toEqual([
    [200, '1'],
    [200, '2'],
  ])
})

test('what was begun goes on when the client leaves, and is the answer to its next try, for an hour', async () => {
  const { buy, letGo, bought, begun, time } = surface()
  const left = async (change?: object): Promise<void> => {
    const leaving = new AbortController()
    const before = begun()
    const waiting = buy(change, leaving.signal)
    await expect.poll(begun).toBe(before + 1)
    leaving.abort()
    expect((await waiting)[0]).toBe(500)
  }
  await left()
  await left({ duration: 7200 })
  expect(bought()).toBe(0)
  letGo()
  await expect.poll(bought).toBe(2)
  expect(await buy()).toEqual([200, '1'])
  expect(bought()).toBe(2)
  time.now += KEPT_SECONDS + 1
  expect(await buy({ duration: 7200 })).toEqual([200, '3'])
})

test('a dataset that nobody has is refused with a status that the row has, and tried anew', async () => {
  const { buy } = surface(new CodexError('exchange/stalled', 'nobody has it'))
  expect(await buy()).toEqual([500, 'nobody has it'])
  expect(await buy()).toEqual([500, 'nobody has it'])
})
