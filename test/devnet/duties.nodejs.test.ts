// When a proof is due, on a real chain: every row of the vectors, called as if in the recorded block, and the window for marking.

import { AbiCoder, keccak256 } from 'ethers'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { quantity } from '../../src/devnet/jsonrpc.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }
import type { VectorRequest } from './scenarios.ts'
import { maxPriceOf, PROOF, slotIdOf, Stage } from './scenarios.ts'
import { TestChain } from './testchain.ts'

let chain: TestChain
beforeAll(async () => {
  let stop = async (): Promise<void> => undefined
  chain = await TestChain.start((ending) => (stop = ending))
  return () => stop()
})

const BASELINE = vectors.scenarios[0]?.request as VectorRequest
const DAY = 86_400

interface Filled {
  readonly stage: Stage
  readonly requestId: string
  readonly slotId: string
}

/** One slot of a request that goes on for long, filled at that time. */
async function filledSlot(config: string, proofProbability: number, time: number): Promise<Filled> {
  onTestFinished(await chain.snapshot())
  const stage = await Stage.set(chain, config)
  const { marketplace } = stage.market
  const [client, host] = [stage.party('client'), stage.party('hostA')]
  const terms = { ...BASELINE.ask, duration: String(20 * DAY), proofProbability: String(proofProbability) }
  const request = { ...BASELINE, ask: terms, expiry: String(20 * DAY - 1) }
  await stage.approve(client, maxPriceOf(request))
  const { events } = await chain.must(marketplace, client, 'requestStorage', [request])
  const requestId = String(events[0]?.args[0])
  await chain.must(marketplace, host, 'reserveSlot', [requestId, 0])
  await stage.approve(host, 10n ** 12n)
  await chain.must(marketplace, host, 'fillSlot', [requestId, 0, PROOF], time)
  return { stage, requestId, slotId: slotIdOf(requestId, 0) }
}

const WORDS_OF_A_SLOT = 4

/** Copies what the contract remembers of a slot to another id, because recorded ids are of requests that nobody has. */
async function copySlot({ stage, requestId, slotId }: Filled, to: string): Promise<void> {
  const { address } = stage.market.marketplace
  const place = (id: string, root: number): bigint =>
    BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(['bytes32', 'uint256'], [id, root])))
  const read = (at: bigint): Promise<string> => chain.rpc.call('eth_getStorageAt', [address, quantity(at), 'latest'])
  let root = 0
  while ((await read(place(slotId, root))) !== requestId) root++
  for (let i = 0n; i < WORDS_OF_A_SLOT; i++) {
    const word = await read(place(slotId, root) + i)
    await chain.rpc.call('anvil_setStorageAt', [address, quantity(place(to, root) + i), word])
  }
}

type Row = readonly [number, number, number, number, number, string, string, boolean, boolean]

test.each(vectors.proofRequirement.map((table, i) => [i, table] as const))(
  'proofs are due as recorded (%i)',
  async (_, { config, period, proofProbability, slotProbability, slotIds, filledInPeriod, rows }) => {
    const filled = await filledSlot(config, Number(proofProbability), filledInPeriod * period)
    const { marketplace } = filled.stage.market
    for (const id of slotIds) await copySlot(filled, id)
    expect(await chain.read(marketplace, 'slotProbability', [slotIds[0]])).toBe(BigInt(slotProbability))
    let hits = 0
    for (const row of rows as unknown as readonly Row[]) {
      const [slotIndex, blockNumber, timestamp, , pointer, blockHash, challenge, isRequired, willBe] = row
      const overrides = {
        number: quantity(blockNumber),
        time: quantity(timestamp),
        blockHash: { [blockNumber - 1 - pointer]: blockHash },
      }
      const told: unknown[] = []
      for (const call of ['getPointer', 'getChallenge', 'isProofRequired', 'willProofBeRequired']) {
        const outcome = await chain.call(marketplace, chain.account(0), call, [slotIds[slotIndex]], overrides)
        told.push(outcome.ok ? outcome.result[0] : outcome.error)
      }
      expect(told).toEqual([BigInt(pointer), challenge, isRequired, willBe])
      hits += Number(isRequired || willBe)
    }
    expect(hits).toBeGreaterThan(0)
  },
)

test('the pointer walks and wraps as recorded', async () => {
  const { stage } = await filledSlot('example', 4, chain.now)
  const { rows, slotId } = vectors.pointerWalk
  for (const [blockNumber, timestamp, pointer] of rows as unknown as readonly [number, number, number][]) {
    const overrides = { number: quantity(blockNumber), time: quantity(timestamp) }
    const outcome = await chain.call(stage.market.marketplace, chain.account(0), 'getPointer', [slotId], overrides)
    expect(outcome).toMatchObject({ ok: true, result: [BigInt(pointer)] })
  }
})

test('the challenge is the hash of the hash of the block that the pointer denotes', async () => {
  const { stage, slotId } = await filledSlot('example', 4, chain.now)
  const { marketplace } = stage.market
  for (let blocks = 0; blocks < 3; blocks++) {
    const pointer = Number(await chain.read(marketplace, 'getPointer', [slotId]))
    const reference = (await chain.blockNumber()) - 1 - pointer
    const { hash } = await chain.rpc.call<{ hash: string }>('eth_getBlockByNumber', [quantity(reference), false])
    expect(await chain.read(marketplace, 'getChallenge', [slotId])).toBe(keccak256(hash))
    await chain.mineMany(97)
  }
})

test('a period can be marked from a second after its end until a second before the timeout, once', async () => {
  const { stage, slotId } = await filledSlot('hardhat', 1, chain.now)
  const { marketplace } = stage.market
  const { period: seconds, timeout } = stage.configuration.proofs
  const filledIn = Math.floor(chain.now / seconds)
  const period = filledIn + 2
  const end = (period + 1) * seconds
  await stage.leaveDowntime(slotId, period)
  const at = async (time: number, of = period): Promise<string> => {
    const overrides = { number: quantity((await chain.blockNumber()) + 1), time: quantity(time) }
    const by = chain.account(0)
    const outcome = await chain.call(marketplace, by, 'canMarkProofAsMissing', [slotId, of], overrides)
    return outcome.ok ? 'ok' : outcome.error
  }
  expect(await at(end)).toBe('Proofs_PeriodNotEnded')
  expect(await at(end + 1)).toBe('ok')
  expect(await at(end + timeout - 1)).toBe('ok')
  expect(await at(end + timeout)).toBe('Proofs_ValidationTimedOut')
  // Never in the period of the fill.
  expect(await at((filledIn + 1) * seconds + 1, filledIn)).toBe('Proofs_ProofNotMissing')
  expect(await at(end + 1, 2 ** 50)).toBe('Proofs_PeriodNotEnded')
  const huge = await chain.call(marketplace, chain.account(0), 'canMarkProofAsMissing', [slotId, 2n ** 64n - 1n])
  expect(huge).toEqual({ ok: false, error: 'Panic(17)' })

  const validator = stage.party('validator')
  await chain.must(marketplace, validator, 'markProofAsMissing', [slotId, period], end + 1)
  const again = await chain.send(marketplace, validator, 'markProofAsMissing', [slotId, period], end + 2)
  expect(again.error).toBe('Proofs_ProofAlreadyMarkedMissing')
})

test('what is received is not missing, and what is not due neither', async () => {
  const { stage, slotId } = await filledSlot('hardhat', 1, chain.now)
  const { marketplace } = stage.market
  const [host, other, validator] = [stage.party('hostA'), stage.party('hostB'), stage.party('validator')]
  const { period: seconds, downtime } = stage.configuration.proofs
  const period = Math.floor(chain.now / seconds) + 1
  const end = (period + 1) * seconds
  const foreign = await chain.send(marketplace, other, 'submitProof', [slotId, PROOF], end - 1)
  expect(foreign.error).toBe('Marketplace_ProofNotSubmittedByHost')
  const { events } = await chain.must(marketplace, host, 'submitProof', [slotId, PROOF], end - 1)
  expect(events.map(({ name, args }) => [name, ...args.toArray()])).toEqual([['ProofSubmitted', slotId]])
  const received = await chain.send(marketplace, validator, 'markProofAsMissing', [slotId, period], end + 1)
  expect(received.error).toBe('Proofs_ProofNotMissing')

  // The next period is looked at while its pointer is in the downtime.
  const next = { number: BigInt((await chain.blockNumber()) + 1), time: quantity(end + seconds + 1) }
  const pointer = pointerOf(stage, slotId, period + 1, next.number)
  const inDowntime = next.number + ((256n + BigInt(downtime) - 1n - pointer) % 256n)
  const look = async (number: bigint): Promise<unknown> => {
    const overrides = { number: quantity(number), time: next.time }
    const call = [slotId, period + 1]
    const outcome = await chain.call(marketplace, validator, 'canMarkProofAsMissing', call, {
      ...overrides,
      blockHash: Object.fromEntries(Array.from({ length: 256 }, (_, i) => [String(number - 1n - BigInt(i)), slotId])),
    })
    return outcome.ok ? 'ok' : outcome.error
  }
  expect(await look(inDowntime)).toBe('Proofs_ProofNotRequired')
  expect(await look(inDowntime + 1n)).toBe('ok')
})

/** The rule, in other words than the contract's. */
function pointerOf({ configuration }: Stage, slotId: string, period: number, block: bigint): bigint {
  return (block + BigInt(period) * BigInt(configuration.proofs.downtimeProduct) + BigInt(slotId)) % 256n
}

test('a proof answers the challenge of the block that takes it, for the root and the slot of the request', async () => {
  onTestFinished(await chain.snapshot())
  const stage = await Stage.set(chain, 'example')
  const { token } = stage.market
  const verifier = await chain.deploy('InputsVerifier')
  const marketplace = await chain.deploy('TestMarketplace', stage.configuration, token.address, verifier.address)
  const [client, host] = [stage.party('client'), stage.party('hostA')]
  for (const party of [client, host]) await chain.must(token, party, 'approve', [marketplace.address, 10n ** 20n])
  const { events } = await chain.must(marketplace, client, 'requestStorage', [BASELINE])
  const id = String(events[0]?.args[0])
  const element = async (name: string, bytes: unknown): Promise<bigint> =>
    BigInt(String(await chain.read(marketplace, name, [bytes])))
  const root = await element('merkleRootToFieldElement', BASELINE.content.merkleRoot)
  const slotId = slotIdOf(id, 3)
  const period = BigInt(Math.floor(chain.now / stage.configuration.proofs.period))
  const proofAt = async (block: bigint): Promise<object> => {
    const reference = block - 1n - pointerOf(stage, slotId, Number(period), block)
    const { hash } = await chain.rpc.call<{ hash: string }>('eth_getBlockByNumber', [quantity(reference), false])
    const challenge = await element('challengeToFieldElement', keccak256(hash))
    return { a: { x: challenge, y: root }, b: PROOF.b, c: { x: 3n, y: 0n } }
  }
  await chain.must(marketplace, host, 'reserveSlot', [id, 3])
  const next = BigInt((await chain.blockNumber()) + 1)
  const proof = await proofAt(next)
  const wrong = { ...proof, c: { x: 2n, y: 0n } }
  const refused = await chain.call(marketplace, host, 'fillSlot', [id, 3, wrong])
  expect(refused).toEqual({ ok: false, error: 'Proofs_InvalidProof' })
  await chain.must(marketplace, host, 'fillSlot', [id, 3, proof])
})
