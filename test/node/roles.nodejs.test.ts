// One node in all roles at once, and one that sells and marks under the same key, on a real chain: no role keeps another from its work.

import { expect, test } from 'vitest'
import { slotId } from '../../src/protocol/ids.ts'
import { buy, NEVER, peerAddress, providerOf, purchaseState, TERMS, upload } from './nodeworld.ts'
import { DATASET_BYTES, earningsOf, OFFER, offerOf, seller, type Seller } from './seller.ts'
import { sharedWorld } from './sharedworld.ts'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

const worldOf = sharedWorld()

test.runIf(import.meta.env['LONG'])(
  'one node buys, marks what another misses, sells, and bridges for a tab meanwhile; who sells and marks under one key leaves its own slots to others',
  async () => {
    const world = worldOf()
    // Several nodes write to one disk, for which time does not stand still.
    world.time.waitFor(() => 'slow')
    const node = await world.node('all', {
      account: 1,
      roles: ['client', 'provider', 'validator', 'bridge'],
      listen: [LOOPBACK, `${LOOPBACK}/ws`],
    })
    const [marked, ownMarked]: [string[], string[]] = [[], []]
    node.events.addEventListener('marked', ({ detail }) => marked.push(detail.slotId))

    // It sends zeros for proofs, which nobody takes.
    const careless = await seller(world, 2, { peer: node, roles: ['provider', 'validator'], simulateProofFailures: 1 })
    careless.node.events.addEventListener('marked', ({ detail }) => ownMarked.push(detail.slotId))
    const first = await buy(node, await upload(node, DATASET_BYTES), { proofProbability: 1n })
    await world.until('started', () => purchaseState(node, first) === 'started')
    await world.until('failed', () => purchaseState(node, first) === 'failed')
    const slotsOf = (id: typeof first): string[] => Array.from({ length: TERMS.nodes }, (_, i) => slotId(id, i))
    expect(marked.length).toBeGreaterThan(TERMS.tolerance)
    expect(slotsOf(first)).toEqual(expect.arrayContaining(marked))
    expect(ownMarked).toEqual([])
    await world.stopNode(careless.node)

    const selling: Seller = { node, account: 1, offer: await providerOf(node).createAvailability(OFFER) }
    const buyer = await world.node('buyer', { account: 3, roles: ['client'], peer: node })
    const second = await buy(buyer, await upload(buyer, DATASET_BYTES, 2))
    await world.until('filled', () => purchaseState(buyer, second) === 'started')
    // Neither knows the other; the buyer speaks no WebSocket.
    const others = await upload(buyer, DATASET_BYTES, 3)
    const door = node.network?.addresses().find((address) => address.endsWith('/ws')) ?? ''
    const bootstrap = [`${door}/p2p/${node.network?.peerId ?? ''}`]
    const outside = { account: 4, roles: [], listen: [], ethProvider: undefined, key: undefined, circuit: undefined }
    const tab = await world.node('tab', { ...outside, bootstrap })
    expect(await tab.network?.fetch(others, NEVER)).toMatchObject({ datasetSize: DATASET_BYTES })
    expect(tab.network?.peers().map(({ peerId }) => peerId)).toEqual([node.network?.peerId])
    expect(peerAddress(buyer)).not.toContain('/ws')

    await world.until('finished', () => purchaseState(buyer, second) === 'finished')
    await world.until('all paid', () => earningsOf(selling).length === TERMS.nodes)
    await world.until('all over', () => providerOf(node).list().length === 0)
    expect(earningsOf(selling).map(({ requestId }) => requestId)).toEqual(Array<string>(TERMS.nodes).fill(second))
    expect(slotsOf(second).filter((id) => marked.includes(id))).toEqual([])
    // The bridge's blocks and its own dataset lie beside what it sells: the books know them apart.
    expect(offerOf(selling)).toMatchObject({
      freeSize: OFFER.totalSize,
      totalRemainingCollateral: OFFER.totalCollateral,
    })
    expect(await providerOf(node).reservations.check(NEVER)).toEqual([])
    expect((await node.repo.recount(NEVER)).problems).toEqual([])
    expect(world.said('error', 'all')).toEqual([])
  },
  600_000,
)
