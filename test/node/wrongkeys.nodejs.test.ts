// A provider with single files of a circuit, which no hash is known of: what is wrong with them shows when they prove, or when the first fill is tried on the
// chain, and costs no collateral.

import { Interface } from 'ethers'
import { expect, test } from 'vitest'
import { MARKETPLACE_ABI } from '../../src/market/marketplaceabi.ts'
import { circuitWithKeys } from '../proving/keys.ts'
import { addressOf, buy, providerOf, purchaseState, QUICK_CIRCUIT, TERMS, upload } from './nodeworld.ts'
import { DATASET_BYTES, expectAllBack, seller } from './seller.ts'
import { sentBy } from './sentby.ts'
import { sharedWorld } from './sharedworld.ts'

/** The contract's function, as its calls begin. */
const FILL = new Interface(MARKETPLACE_ABI).getFunction('fillSlot')?.selector ?? ''

const NOTHING = { done: [], failed: [], overtaken: [] }

const worldOf = sharedWorld()

test('with a key that is damaged the proof that it makes at its start does not hold: it says so, and reserves nothing (T31)', async () => {
  const world = worldOf()
  const { wasm, zkey } = world.circuit
  const damaged = Uint8Array.from(zkey)
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1
  const client = await world.node('client', { account: 1, roles: ['client'] })
  const selling = await seller(world, 2, { peer: client, circuit: { wasm, zkey: damaged } })
  const request = await buy(client, await upload(client, DATASET_BYTES))
  await world.until('cancelled', () => purchaseState(client, request) === 'cancelled')
  expect(selling.node.trade.alerts).toMatchObject([
    // It was made, and verified: neither a slot nor the chain told of it.
    { code: 'sales/prover-fails', cause: expect.stringContaining('the new proof does not hold') as string },
  ])
  expect(await sentBy(world.anvil.rpc, addressOf(2), world.deployment)).toEqual(NOTHING)
  await expectAllBack(selling)
}, 300_000)

test.runIf(import.meta.env['LONG'])(
  'with keys of another setup than the chain verifies its fill is tried on the chain, refused, and never sent; its accounts are whole again (T31)',
  async () => {
    const { wasm, zkey } = await circuitWithKeys(QUICK_CIRCUIT, 'another')
    const world = worldOf()
    const client = await world.node('client', { account: 1, roles: ['client'] })
    let tries = 0
    world.endpoint.tripwire = async (moment, body) => {
      if (moment === 'asked' && body.includes('eth_call') && body.includes(FILL)) tries++
      return 'go on'
    }
    // Its proofs hold for its own key: nothing is wrong as far as it can see.
    const selling = await seller(world, 2, { peer: client, circuit: { wasm, zkey } })
    const seen = new Set<string>()
    selling.node.events.addEventListener('sale', ({ detail: { state } }) => seen.add(state))
    const request = await buy(client, await upload(client, DATASET_BYTES))
    await world.until('cancelled', () => purchaseState(client, request) === 'cancelled')
    await world.until('all over', () => providerOf(selling.node).list().length === 0)
    expect(tries).toBeGreaterThanOrEqual(TERMS.nodes)
    expect(seen).toContain('SaleFilling')
    for (const state of ['SaleFilled', 'SaleProving']) expect(seen).not.toContain(state)
    const { done, ...rest } = await sentBy(world.anvil.rpc, addressOf(2), world.deployment)
    expect(done.map((act) => act.split(' ')[0])).toEqual(Array<string>(TERMS.nodes).fill('reserveSlot'))
    expect({ done: [], ...rest }).toEqual(NOTHING)
    await expectAllBack(selling)
  },
  300_000,
)
