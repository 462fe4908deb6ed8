// What becomes of slots whose proofs are missing, on a real chain with real proofs: slashed, taken away, repaired by others, and lost with their request.

import { expect, test } from 'vitest'
import { slotId } from '../../src/protocol/ids.ts'
import {
  addressOf,
  buy,
  CONFIGURATION,
  type NodeWorld,
  providerOf,
  purchaseState,
  RICH,
  slotStates,
  TERMS,
  upload,
} from './nodeworld.ts'
import {
  DATASET_BYTES,
  earningsOf,
  expectAllBack,
  hosts,
  rewardOf,
  seller,
  SLOT_BYTES,
  SLOT_COLLATERAL,
} from './seller.ts'
import { sharedWorld } from './sharedworld.ts'

const LIMIT_MS = 600_000
const { slashPercentage, validatorRewardPercentage, repairRewardPercentage } = CONFIGURATION.collateral
/** Of one missed proof. */
const SLASHED = (SLOT_COLLATERAL * BigInt(slashPercentage)) / 100n
/** So much less is put in for a slot that another lost; it is paid back whole, and booked as earned. */
const REPAIR_REWARD = (SLOT_COLLATERAL * BigInt(repairRewardPercentage)) / 100n

const worldOf = sharedWorld()

/** A client, and a validator that counts what it marks. */
async function clientAndValidator(world: NodeWorld) {
  const peer = await world.node('client', { account: 1, roles: ['client'] })
  const validator = await world.node('validator', { account: 5, roles: ['validator'] })
  const marked: string[] = []
  validator.events.addEventListener('marked', ({ detail }) => marked.push(`${detail.slotId} ${detail.period}`))
  return { peer, marked }
}

/** What the contract paid the validator is its share of what was slashed. */
async function expectPaidForMarks(world: NodeWorld, marked: readonly string[]): Promise<void> {
  const share = (SLASHED * BigInt(validatorRewardPercentage)) / 100n
  expect((await world.tokensOf(addressOf(5))) - RICH).toBe(BigInt(marked.length) * share)
}

test.runIf(import.meta.env['LONG'])(
  'a slot whose proofs are missing is taken from its host and rebuilt by another from the other slots (integration: slot freed after too many invalid proofs; repair)',
  async () => {
    const world = worldOf()
    const { peer, marked } = await clientAndValidator(world)
    const bad = await seller(world, 2, { peer, simulateProofFailures: 1, offer: { totalSize: SLOT_BYTES } })
    const terms = { duration: 330, expiry: 300, proofProbability: 1n }
    const id = await buy(peer, await upload(peer, DATASET_BYTES), terms)
    const isProving = (): boolean =>
      providerOf(bad.node)
        .list()
        .some(({ state }) => state === 'SaleProving')
    await world.until('bad has one', isProving)
    const lost = slotId(id, providerOf(bad.node).list()[0]?.slotIndex ?? -1)
    // What it loses is for others.
    await providerOf(bad.node).pause()
    const good = await seller(world, 3, { peer })
    await world.until('started', () => purchaseState(peer, id) === 'started')
    await world.until('repaired', async () => (await hosts(peer, id)).every((host) => host === addressOf(3)))
    expect(purchaseState(peer, id)).toBe('started')
    expect(marked).toHaveLength(CONFIGURATION.collateral.maxNumberOfSlashes)
    await world.until('proven', () => (providerOf(good.node).sale(lost)?.proven ?? 0) > 0)
    await world.until('finished', () => purchaseState(peer, id) === 'finished')
    await world.until('over', () => [good, bad].every(({ node }) => providerOf(node).list().length === 0))
    expect(await slotStates(peer, id)).toEqual(['Paid', 'Paid', 'Paid'])
    expect(earningsOf(bad)).toMatchObject([{ end: 'freed', reward: 0n, lostCollateral: SLOT_COLLATERAL }])
    expect(earningsOf(good)).toMatchObject(Array(3).fill({ end: 'paid', lostCollateral: 0n }))
    await expectAllBack(bad, SLOT_COLLATERAL)
    await expectAllBack(good)
    expect(await world.tokensOf(addressOf(2))).toBe(RICH - SLOT_COLLATERAL)
    expect((await world.tokensOf(addressOf(3))) - RICH).toBe(rewardOf(good))
    // Whole seconds are paid, and beyond them for the repair.
    expect((rewardOf(good) - REPAIR_REWARD) % (BigInt(SLOT_BYTES) * TERMS.pricePerBytePerSecond)).toBe(0n)
    await expectPaidForMarks(world, marked)
  },
  LIMIT_MS,
)

test.runIf(import.meta.env['LONG'])(
  'a request that loses too many slots fails: its client has all back, its host loses what it put in, and no byte (integration: every proof is bad)',
  async () => {
    const world = worldOf()
    const { peer, marked } = await clientAndValidator(world)
    const bad = await seller(world, 2, { peer, simulateProofFailures: 1 })
    const terms = { duration: 610, expiry: 300, proofProbability: 1n }
    const id = await buy(peer, await upload(peer, DATASET_BYTES), terms)
    await world.until('started', () => purchaseState(peer, id) === 'started')
    await providerOf(bad.node).pause()
    await world.until('failed', () => purchaseState(peer, id) === 'errored')
    await world.until('over', () => providerOf(bad.node).list().length === 0)
    const ends = earningsOf(bad).map(({ end, reward, lostCollateral }) => ({ end, reward, lostCollateral }))
    expect(ends).toHaveLength(3)
    for (const each of ends) expect(each).toMatchObject({ reward: 0n, lostCollateral: SLOT_COLLATERAL })
    expect(ends.some(({ end }) => end === 'failed')).toBe(true)
    await expectAllBack(bad, 3n * SLOT_COLLATERAL)
    expect(await world.tokensOf(addressOf(2))).toBe(RICH - 3n * SLOT_COLLATERAL)
    expect(await world.tokensOf(addressOf(1))).toBe(RICH)
    expect(marked.length).toBeGreaterThanOrEqual(2 * CONFIGURATION.collateral.maxNumberOfSlashes)
    await expectPaidForMarks(world, marked)
  },
  LIMIT_MS,
)

test.runIf(import.meta.env['LONG'])(
  'a proof that is missed once costs its share of the collateral; the slot is paid all the same, and the rest comes back (integration: slashing, payout)',
  async () => {
    const world = worldOf()
    const { peer, marked } = await clientAndValidator(world)
    // Once for each slot at most: fewer than twice as many proofs are due.
    const careless = await seller(world, 2, { peer, simulateProofFailures: 4 })
    const terms = { duration: 170, expiry: 160, proofProbability: 1n }
    const id = await buy(peer, await upload(peer, DATASET_BYTES), terms)
    await world.until('finished', () => purchaseState(peer, id) === 'finished')
    await world.until('over', () => providerOf(careless.node).list().length === 0)
    expect(marked.length).toBeGreaterThan(0)
    const lost = BigInt(marked.length) * SLASHED
    expect(earningsOf(careless)).toHaveLength(3)
    for (const { end, slotIndex, lostCollateral } of earningsOf(careless)) {
      const times = marked.filter((mark) => mark.startsWith(slotId(id, slotIndex))).length
      expect([end, lostCollateral]).toEqual(['paid', BigInt(times) * SLASHED])
    }
    await expectAllBack(careless, lost)
    const reward = rewardOf(careless)
    expect((await world.tokensOf(addressOf(2))) - RICH).toBe(reward - lost)
    expect(RICH - (await world.tokensOf(addressOf(1)))).toBe(reward)
    expect(reward).toBeGreaterThan(0n)
    await expectPaidForMarks(world, marked)
  },
  LIMIT_MS,
)
