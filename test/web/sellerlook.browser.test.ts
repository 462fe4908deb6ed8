// What a provider's card shows, over views made up for it: slots and their proofs, alerts, earnings, decisions, peers; and the page of a node that is no tab.

import { expect, test } from 'vitest'

import { describeUpload } from '../../src/protocol/describeupload.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { AlertList } from '../../web/alertlist.tsx'
import { Shown } from '../../web/nodeview.tsx'
import type { DamagedEntry, Entry } from '../../web/pagestate.ts'
import type { NodePicture } from '../../web/remotenode.ts'
import { SellerLook } from '../../web/sellerlook.tsx'
import { type SellerView, viewedPeer } from '../../web/sellerview.ts'
import { ALERT, drawn, HOST, NOW, reachable, says, SLOT, VIEW } from './drawn.ts'

test('a slot shows what a proof takes of a period, whether this one’s is in, and how many it may still miss', () => {
  const { text, again, place } = drawn<{ readonly view: SellerView }>(SellerLook, {
    view: { ...VIEW, slots: [SLOT] },
  })
  expect(text('[data-testid=next-proof]')).toBe('within 12 s, if one is due')
  const bar = (part = ''): HTMLElement | null => place.querySelector<HTMLElement>(`.period${part}`)
  expect([bar()?.dataset['proven'], bar(' .gone')?.style.width, bar(' .latest')?.style.insetInlineStart]).toEqual([
    'false',
    '40%',
    '84.5%',
  ])
  const row = text('tr[data-state=SaleProving]')
  for (const words of ['3.1 s of 20 s', '1 of 5', '2 MiB', '500 wei', '1\u202f400 wei', '10m'])
    expect(row).toContain(words)
  again({ view: { ...VIEW, slots: [{ ...SLOT, provenIn: 50 }] } })
  expect(text('[data-testid=next-proof]')).toBe('in for this period; the next begins in 12 s')
  expect(bar()?.dataset['proven']).toBe('true')
  again({ view: { ...VIEW, slots: [{ ...SLOT, state: 'SaleDownloading', filledAt: undefined }] } })
  expect(text('[data-testid=next-proof]')).toBe('not yet')
  again({ view: { ...VIEW, outOfReach: 'nobody answers', slots: [SLOT] } })
  expect(text('[data-testid=next-proof]')).toBe('unknown: the chain is silent')
  expect(bar()).toBeNull()
  expect(place.innerText).toMatch(/Next period in\s*unknown/i)
  // It was over 70 s after its fill, and is still collected.
  again({ view: { ...VIEW, slots: [{ ...SLOT, state: 'SalePayout', until: NOW - 30 }] } })
  for (const words of ['350 wei', '1\u202f250 wei']) expect(text('tr[data-state=SalePayout]')).toContain(words)
  const why = 'fillSlot: the contract refused: execution reverted: 0xdeadbeef; see the reason it gave'
  again({ view: { ...VIEW, ended: [{ ...SLOT, state: 'SaleErrored', why }] } })
  expect(place.innerText).toContain('Given up: fillSlot: the contract refused')
  expect(place.innerText).not.toMatch(/reverted|0xdead/)
})

test('an alert is said once, not with its age, and stays until it is dismissed or its cause is gone', async () => {
  const low = { ...ALERT, code: 'wallet/low-coins', cause: 'There are 5 wei left', at: NOW, atStake: undefined }
  const part = drawn(AlertList, { alerts: [ALERT], time: NOW })
  const said = (): string => part.place.querySelector('[role=alert]')?.textContent ?? ''
  await expect.poll(said).toBe('A proof was missed. At stake: 5 wei. Keep the machine awake.')
  let changes = 0
  const watching = new MutationObserver((records) => (changes += records.length))
  const region = part.place.querySelector('[role=alert]')
  if (region !== null) watching.observe(region, { subtree: true, childList: true, characterData: true })
  part.again({ alerts: [ALERT], time: NOW + 60 })
  await says(part, '1m 3s ago')
  expect(changes).toBe(0)
  part.again({ alerts: [low, ALERT], time: NOW + 61 })
  await expect.poll(said).toMatch(/^There are 5 wei left\./)
  part.button('Dismiss').click()
  await expect.poll(() => part.place.querySelectorAll('li').length).toBe(1)
  // Looked at anew: the same alert, with other figures.
  part.again({ alerts: [{ ...low, cause: 'There are 4 wei left', at: NOW + 70 }, ALERT], time: NOW + 70 })
  await says(part, '1m 13s ago')
  expect(part.place.querySelectorAll('li')).toHaveLength(1)
  part.again({ alerts: [ALERT], time: NOW + 80 })
  await says(part, '1m 23s ago')
  part.again({ alerts: [{ ...low, at: NOW + 90 }, ALERT], time: NOW + 90 })
  await expect.poll(() => part.place.querySelectorAll('li').length).toBe(2)
  part.button('Dismiss').click()
  await expect.poll(() => part.place.querySelectorAll('li').length).toBe(1)
  part.button('Dismiss').click()
  await expect.poll(() => part.place.querySelectorAll('li').length).toBe(0)
})

test('earnings are a staircase with words for who does not see it, and losses lead down', () => {
  const at = (seconds: number, reward: bigint, lostCollateral = 0n) => ({ at: NOW - seconds, reward, lostCollateral })
  const { place, text } = drawn(SellerLook, {
    view: { ...VIEW, earnings: [at(90, 100n), at(50, 40n), at(10, 0n, 30n)] },
  })
  expect(text('[data-testid=earnings] figcaption')).toMatch(/^Earned: 110 wei in .+, from 3 slots$/)
  const svg = place.querySelector('[data-testid=earnings] svg')
  expect(svg?.getAttribute('aria-label')).toMatch(/^110 wei/)
  const path = svg?.querySelector('path')?.getAttribute('d') ?? ''
  const heights = Array.from(path.matchAll(/V([\d.]+)/g), ([, y]) => Number(y))
  expect(heights).toHaveLength(3)
  const [first = 0, second = 0, third = 0] = heights
  expect(second).toBeLessThan(first)
  expect(third).toBeGreaterThan(second)
  expect(place.innerText).toContain('140 wei')
  // Of very many only the latest are drawn.
  const latest = drawn(SellerLook, {
    view: { ...VIEW, earnings: [at(10, 40n)], earningTotals: { reward: 140n, lostCollateral: 30n } },
  })
  expect(latest.text('[data-testid=earnings] figcaption')).toMatch(
    /^Earned: 40 wei in .+, from one slot; 70 wei before$/,
  )
})

test('the decision log says why, and the peers how they are reached; both open by key', async () => {
  const decision = { requestId: SLOT.requestId as RequestId, at: NOW - 5, slotIndex: 0 }
  const peer = {
    peerId: '16Uiu2HAmExampleOfAPeer',
    direction: 'outbound' as const,
    receivedBytes: 5 * KiB,
    sentBytes: 7,
  }
  const view = {
    ...VIEW,
    peers: [viewedPeer({ ...peer, address: '/ip4/127.0.0.1/tcp/8070/ws/p2p/16Uiu' })],
    decisions: [{ ...decision, verdict: 'ignored' as const, reasons: ['it pays 5 wei, asked for are 9 wei'] }],
  }
  const part = drawn(SellerLook, { view })
  expect(reachable(part)).toEqual(['Connected to 1 peer', expect.stringContaining('1 decision')])
  for (const summary of part.place.querySelectorAll('summary')) summary.click()
  await says(part, 'Ignored')
  await says(part, 'Slot 0 of 0x22222222…: it pays 5 wei, asked for are 9 wei')
  await says(part, /…fAPeer|OfAPeer/)
  await says(part, 'WebSocket, we went to it')
  await says(part, '5 KiB received, 7 B sent')
  const kinds = ['/ip4/1.2.3.4/tcp/1', '/dns4/x/tcp/443/wss', '/ip4/1.2.3.4/udp/1/webrtc', '/memory/1'].map(
    (address) => viewedPeer({ ...peer, address }).kind,
  )
  expect(kinds).toEqual(['TCP', 'WebSocket, encrypted', 'WebRTC', 'another way'])
})

const PICTURE: NodePicture = {
  version: '1',
  peerId: 'peer',
  uptimeSeconds: 60,
  reasons: [],
  space: { usedBytes: MiB, reservedBytes: 2 * MiB, totalBytes: 8 * MiB, blocks: 16 },
  peers: [],
  alerts: [],
  market: undefined,
}

const FILE = describeUpload(new Uint8Array(MiB).fill(3), { filename: 'mine.bin', mimetype: 'image/png' })

test('a node that buys and watches shows both, and no more; one that sells has its terms changed', async () => {
  const offers: unknown[] = []
  const acts = {
    pause: (isPaused: boolean) => void offers.push(isPaused),
    offer: async (terms: object, id: string | undefined) => {
      offers.push([id, terms])
      return 'Offered: that.'
    },
    files: {
      listing: { entries: [{ cid: FILE.manifestCid, manifest: FILE.manifest }], hasMore: false },
      ...{ newest: undefined, transfer: undefined, problem: undefined },
      ...{ list: () => void offers.push('lists'), cancel: () => undefined },
      store: (file: File) => void offers.push(file.name),
      save: ({ manifest }: Entry) => void offers.push(['saves', manifest.filename]),
      remove: ({ manifest }: Entry | DamagedEntry) => void offers.push(['removes', manifest?.filename]),
    },
    buy: async ({ name }: { readonly name: string }, { nodes }: { readonly nodes: number }) => {
      offers.push(['buys', name, nodes])
      return '0x1234567890'
    },
  }
  const part = drawn(Shown, { ...acts, picture: PICTURE })
  await says(part, 'takes no part in the marketplace')
  await says(part, '1 MiB · image/png')
  part.button('Save').click()
  part.button('Remove').click()
  part.button('Keep it').click()
  part.button('Remove').click()
  part.button('Remove it').click()
  await expect
    .poll(() => offers)
    .toEqual(expect.arrayContaining(['lists', ['saves', 'mine.bin'], ['removes', 'mine.bin']]))
  offers.length = 0
  // Also of one that is in no marketplace: slots of an earlier run may wait.
  part.again({ ...acts, picture: { ...PICTURE, alerts: [ALERT] } })
  await says(part, 'A proof was missed')
  const bought = {
    requestId: SLOT.requestId as RequestId,
    state: 'started' as const,
    ...{ problem: undefined, slots: 3, filled: undefined, endsAt: undefined, costWei: 12n },
  }
  const market = {
    host: HOST,
    time: NOW,
    tokens: 7n,
    coins: 3n * 10n ** 17n,
    view: undefined,
    offered: [],
    bought: [bought],
    watched: 4,
  }
  part.again({ ...acts, picture: { ...PICTURE, alerts: [ALERT], market } })
  await says(part, '3 slots, 12 wei at most')
  await says(part, 'watches 4 slots')
  // Its key can be filled up: where it is, and what it has.
  part.place.querySelector<HTMLElement>('[data-testid=money] summary')?.click()
  await says(part, '0.3 coins')
  expect(part.text('[data-testid=node-key]')).toBe(HOST)
  await says(part, 'A proof was missed')
  expect(part.place.innerText).not.toMatch(/no part in the marketplace|rents out/)
  // What the key cannot pay for is told before it is asked for.
  await says(part, /3 slots of 512 KiB for 30d cost .* The key has 7 wei: too few/)
  const dropped = new DataTransfer()
  dropped.items.add(new File(['x'], 'other.bin'))
  part.place.querySelector('.dropzone')?.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped }))
  part.button('Buy storage').click()
  await says(part, 'Asked for: request 0x12345678…')
  expect(offers.splice(0)).toEqual(['other.bin', ['buys', 'mine.bin', 3]])

  const terms = { totalSize: 4 * MiB, minPricePerBytePerSecond: 1000n, totalCollateral: 10n ** 18n, duration: 3600 }
  const offered = [{ id: '0x77', enabled: false, until: 1_800_000_000, ...terms }]
  const selling = { ...market, view: VIEW, offered, bought: undefined, watched: undefined }
  part.again({ ...acts, picture: { ...PICTURE, market: selling } })
  await says(part, 'for 1h at most, until Jan 15, 2027')
  await says(part, '; takes no new slots')
  part.button('Take no new slots').click()
  part.place.querySelector<HTMLElement>('[data-testid=terms] summary')?.click()
  part.type('space', '5 MiB')
  await expect.poll(() => part.field('space').value).toBe('5 MiB')
  // What is around it goes on changing.
  part.again({ ...acts, picture: { ...PICTURE, market: { ...selling, view: { ...VIEW, time: NOW + 1 } } } })
  expect(part.field('space').value).toBe('5 MiB')
  part.button('Sell on these terms').click()
  await says(part, 'Offered: that.')
  expect(offers).toEqual([true, ['0x77', { ...terms, totalSize: 5 * MiB }]])
})

test('it fits 320 px, light and dark, and no column is lost', () => {
  const peers = [
    viewedPeer({ peerId: 'x'.repeat(52), address: '/tcp/1', direction: 'inbound', receivedBytes: 0, sentBytes: 0 }),
  ]
  const view = {
    ...VIEW,
    slots: [SLOT],
    ended: [{ ...SLOT, slotId: '0x1', why: 'x'.repeat(90) }],
    alerts: [ALERT],
    peers,
  }
  const { place } = drawn(SellerLook, { view })
  for (const scheme of ['light', 'dark']) {
    document.documentElement.style.colorScheme = scheme
    for (const width of [296, 700]) {
      place.style.width = `${width}px`
      expect([scheme, width, place.scrollWidth]).toEqual([scheme, width, width])
    }
  }
  const [head, row] = place.querySelectorAll('tr')
  expect(row?.children.length).toBe(head?.children.length)
})

test('what running slots have lost is lost, and neither locked nor at risk any more', () => {
  const figure = (place: HTMLElement, word: string): string =>
    [...place.querySelectorAll('dt')].find((each) => each.textContent === word)?.nextElementSibling?.textContent ?? ''
  const earning = { at: NOW, reward: 9n, lostCollateral: 4n }
  const slots = [SLOT, { ...SLOT, slotId: `0x${'33'.repeat(32)}`, missed: 3, weiPerSecond: 0n }]
  const { place } = drawn<{ readonly view: SellerView }>(SellerLook, { view: { ...VIEW, slots, earnings: [earning] } })
  // 10 % of 1000 for each proof that was missed.
  expect(figure(place, 'Collateral lost')).toBe('404 wei')
  expect(figure(place, 'Collateral locked')).toBe('1\u202f600 wei')
  const [first, second] = [...place.querySelectorAll('td[data-label="At risk"]')].map((each) => each.textContent)
  expect([first, second]).toEqual(['1\u202f400 wei', '700 wei'])
})
