// The fake chain by itself, wherever simulations run: a recorded scenario, a reorganisation, and the recorded duties. That it behaves as
// the contract does is test/devnet/differential.nodejs.test.ts's.

import { expect, test } from 'vitest'
import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import { slotId as slotIdOf } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId, StorageRequestInput } from '../../src/protocol/request.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }
import { FakeChain } from './fakechain.ts'
import { FakeMarketplace } from './fakemarketplace.ts'
import { FakeToken } from './faketoken.ts'

const CLIENT = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
const [HOST_A, HOST_B, HOST_C] = ['a', 'b', 'c'].map((digit) => `0x${digit.repeat(40)}`) as [string, string, string]
const MARKETPLACE = `0x${'9'.repeat(40)}`
const START = 1_700_000_000
const RICH = 10n ** 20n

const scenario = vectors.scenarios[0]
if (scenario === undefined) throw new Error('found no scenario')
const { ask, content, expiry, nonce } = scenario.request
const REQUEST: StorageRequestInput = {
  client: CLIENT,
  ask: {
    proofProbability: BigInt(ask.proofProbability),
    pricePerBytePerSecond: BigInt(ask.pricePerBytePerSecond),
    collateralPerByte: BigInt(ask.collateralPerByte),
    slots: BigInt(ask.slots),
    slotSize: BigInt(ask.slotSize),
    duration: BigInt(ask.duration),
    maxSlotLoss: BigInt(ask.maxSlotLoss),
  },
  content,
  expiry: BigInt(expiry),
  nonce,
}

function setUp(configuration: MarketplaceConfiguration = vectors.meta.configs.example) {
  const chain = new FakeChain({ genesisTime: START - 300 })
  chain.mine(START, { blocks: 257 })
  const token = new FakeToken(chain)
  const parts = { chain, token, configuration, verify: (proof: boolean) => proof, address: MARKETPLACE }
  const marketplace = new FakeMarketplace<boolean>(parts)
  for (const holder of [CLIENT, HOST_A, HOST_B, HOST_C]) {
    chain.transactAll(START, [() => token.mint(holder, RICH), () => token.approve(holder, MARKETPLACE, RICH)])
  }
  const submit = (): RequestId => {
    const submitted = chain.transact(START, () => marketplace.requestStorage(CLIENT, REQUEST))
    if (!submitted.ok) throw submitted.revert
    return submitted.value
  }
  const fill = (id: RequestId, i: bigint, host: string, time: number) =>
    chain.transactAll(time, [() => marketplace.reserveSlot(host, id, i), () => marketplace.fillSlot(host, id, i, true)])
  return { chain, token, marketplace, submit, fill }
}

test('a recorded scenario: filled, finished, everyone collects', () => {
  const { chain, token, marketplace, submit, fill } = setUp()
  const id = submit()
  expect(id).toBe(scenario.requestId)
  const fills = [
    [HOST_A, 100],
    [HOST_B, 250],
    [HOST_A, 251],
    [HOST_C, 600],
  ] as const
  fills.forEach(([host, after], i) => fill(id, BigInt(i), host, START + after))
  expect(chain.events(chain.latest.number).map(({ name }) => name)).toEqual([
    'ProofSubmitted',
    'SlotFilled',
    'RequestFulfilled',
  ])
  expect(chain.view(() => marketplace.records.requestState(id))).toBe('Started')
  expect(chain.view(() => marketplace.records.requestState(id), START + 3600)).toBe('Started')
  expect(chain.view(() => marketplace.records.requestState(id), START + 3601)).toBe('Finished')

  const early = chain.transact(START + 700, () => marketplace.withdrawFunds(CLIENT, id))
  expect(early).toMatchObject({ ok: false, revert: { error: 'Marketplace_InvalidState' } })
  const gains: bigint[] = []
  fills.forEach(([host], i) => {
    const before = token.balanceOf(host)
    chain.transact(START + 3700, () => marketplace.freeSlot(host, slotIdOf(id, i)))
    gains.push(token.balanceOf(host) - before)
  })
  expect(gains).toEqual([7_005_000n, 6_705_000n, 6_703_000n, 6_005_000n])
  chain.transact(START + 3800, () => marketplace.withdrawFunds(CLIENT, id))
  expect(token.balanceOf(CLIENT)).toBe(RICH - 28_800_000n + 2_402_000n)
  expect(token.balanceOf(MARKETPLACE)).toBe(0n)
})

test('a transaction that reverts changes nothing, whatever it did before', () => {
  const { chain, token, marketplace, submit, fill } = setUp()
  const id = submit()
  fill(id, 0n, HOST_A, START + 10)
  const slot = slotIdOf(id, 0)
  const height = chain.latest.number
  const before = {
    events: chain.events(),
    balance: token.balanceOf(HOST_A),
    slots: marketplace.records.mySlots(HOST_A),
  }
  // The reward is paid before the collateral cannot be.
  const nobody = `0x${'0'.repeat(40)}`
  const reverted = chain.transact(START + 601, () => marketplace.freeSlot(HOST_A, slot, HOST_A, nobody))
  expect(reverted).toMatchObject({ ok: false, revert: { error: 'ERC20InvalidReceiver', values: [nobody] } })
  const now = { events: chain.events(), balance: token.balanceOf(HOST_A), slots: marketplace.records.mySlots(HOST_A) }
  expect(now).toEqual(before)
  expect(chain.latest.number).toBe(height + 1)
  expect(chain.view(() => marketplace.records.slotState(slot))).toBe('Cancelled')
})

test('a reorganisation takes everything back, and makes other blocks', () => {
  const { chain, token, marketplace, submit, fill } = setUp()
  const id = submit()
  const { number, hash } = chain.latest
  const funds = token.balanceOf(MARKETPLACE)
  for (let i = 0; i < 4; i++) fill(id, BigInt(i), HOST_B, START + 20 + i)
  expect(chain.view(() => marketplace.records.requestState(id))).toBe('Started')
  const undone = chain.block(number + 1)?.hash
  chain.undoBlocks(4)
  expect(chain.latest).toMatchObject({ number, hash })
  expect(chain.view(() => marketplace.records.requestState(id))).toBe('New')
  expect(marketplace.records.mySlots(HOST_B)).toEqual([])
  expect(token.balanceOf(MARKETPLACE)).toBe(funds)
  expect(chain.events(number + 1)).toEqual([])
  fill(id, 0n, HOST_C, START + 30)
  expect(marketplace.records.getHost(slotIdOf(id, 0))).toBe(HOST_C)
  expect(chain.latest.hash).not.toBe(undone)
  chain.undoBlocks(2)
  expect(() => marketplace.records.getRequest(id)).toThrow('Marketplace_UnknownRequest')
})

test('the same seed makes the same blocks, another one others', () => {
  const hashes = ['one', 'one', 'two'].map((seed) => {
    const chain = new FakeChain({ genesisTime: START, seed })
    chain.mine(START, { blocks: 3 })
    return chain.latest.hash
  })
  expect(hashes[0]).toBe(hashes[1])
  expect(hashes[0]).not.toBe(hashes[2])
})

test('pointers and challenges are the recorded ones in the recorded blocks', () => {
  for (const { config, slotIds, rows } of vectors.proofRequirement) {
    const configuration = vectors.meta.configs[config as 'example' | 'hardhat']
    for (const row of rows.slice(0, 12)) {
      const [slotIndex, block, time, , pointer, hash, challenge] = row as [
        number,
        number,
        number,
        number,
        number,
        string,
        string,
      ]
      const { chain, marketplace } = setUp(configuration)
      const reference = block - 1 - pointer
      chain.mine(time, { blocks: reference - 1 - chain.latest.number })
      chain.mine(time, { hash })
      chain.mine(time, { blocks: block - reference })
      const id = slotIds[slotIndex] as SlotId
      expect([marketplace.proofs.getPointer(id), marketplace.proofs.getChallenge(id)]).toEqual([pointer, challenge])
    }
  }
})
