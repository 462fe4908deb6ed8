// The rules of the marketplace one by one, on a real chain: every row of the vectors that is no scenario. Which check comes first counts.

import { AbiCoder, keccak256 } from 'ethers'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import vectors from '../vectors/marketplace.json' with { type: 'json' }
import ids from '../vectors/ids.json' with { type: 'json' }
import type { VectorRequest } from './scenarios.ts'
import { CONFIGURATIONS, maxPriceOf, PROOF, slotIdOf, Stage, ZERO_PROOF } from './scenarios.ts'
import { TestChain } from './testchain.ts'

let chain: TestChain
beforeAll(async () => {
  let stop = async (): Promise<void> => undefined
  chain = await TestChain.start((ending) => (stop = ending))
  return () => stop()
})

async function stageFor(config: string): Promise<Stage> {
  onTestFinished(await chain.snapshot())
  return await Stage.set(chain, config)
}

const BASELINE = vectors.scenarios[0]?.request as VectorRequest
const UNKNOWN = `0x${'77'.repeat(32)}`
const MAX_UINT64 = 2n ** 64n - 1n

function request(
  ask: Partial<Record<keyof VectorRequest['ask'], number | string | bigint>> = {},
  rest: Partial<Omit<VectorRequest, 'ask'>> = {},
): VectorRequest {
  return { ...BASELINE, ...rest, ask: { ...BASELINE.ask, ...ask } as VectorRequest['ask'] }
}

const LIMIT = 2_592_000

/** By the label in the vectors: the request, and who sends it if not its client. */
const REQUESTS: Readonly<
  Record<string, { readonly request: VectorRequest; readonly by?: string; readonly twice?: true }>
> = {
  valid: { request: request() },
  'sender is not client': { request: request(), by: 'hostA' },
  'expiry == duration': { request: request({}, { expiry: '3600' }) },
  'expiry == duration-1': { request: request({}, { expiry: '3599' }) },
  'slots 0': { request: request({ slots: 0, maxSlotLoss: 0 }) },
  'maxSlotLoss == slots': { request: request({ maxSlotLoss: 4 }) },
  'slots 0 and maxSlotLoss 1': { request: request({ slots: 0 }) },
  'proofProbability 0': { request: request({ proofProbability: 0 }) },
  'pricePerBytePerSecond 0': { request: request({ pricePerBytePerSecond: 0 }) },
  'cid empty': { request: request({}, { content: { ...BASELINE.content, cid: '0x' } }) },
  'duration == limit': { request: request({ duration: LIMIT }) },
  'duration == limit+1': { request: request({ duration: LIMIT + 1 }) },
  'slots*duration overflows uint64': { request: request({ slots: MAX_UINT64 }) },
  'everything wrong, right sender': {
    request: request(
      {
        slots: 0,
        maxSlotLoss: 1,
        duration: 0,
        proofProbability: 0,
        collateralPerByte: 0,
        pricePerBytePerSecond: 0,
      },
      { expiry: '0', content: { ...BASELINE.content, cid: '0x' } },
    ),
  },
  resubmission: { request: request(), twice: true },
  'resubmission by other sender': { request: request(), by: 'hostA', twice: true },
}

test.each(vectors.requestValidation)('requestStorage: $label', async ({ label, result }) => {
  const stage = await stageFor('example')
  const made = REQUESTS[label]
  if (made === undefined) throw new Error(`found no request for ${label}`)
  if (made.twice) await submit(stage, made.request)
  // What the baseline costs, whatever this one does: a dearer one shows that all other checks came first.
  await stage.approve(stage.party('client'), maxPriceOf(BASELINE))
  const { error } = await chain.send(stage.market.marketplace, stage.party(made.by ?? 'client'), 'requestStorage', [
    made.request,
  ])
  expect(stage.anonymous(error ?? 'ok')).toBe(result)
})

/** What the reference says beyond the rows: each check right before the next one. */
test('requestStorage: the first check that fails names the error', async () => {
  const { chain, market, party } = bound(await stageFor('example'))
  const worse: [string, Partial<Record<keyof VectorRequest['ask'], number>>, Partial<Omit<VectorRequest, 'ask'>>][] = [
    ['Marketplace_InvalidExpiry', { slots: 0 }, { expiry: '0' }],
    ['Marketplace_InsufficientSlots', { slots: 0, maxSlotLoss: 1, proofProbability: 0 }, {}],
    ['Marketplace_InvalidMaxSlotLoss', { maxSlotLoss: 5, proofProbability: 0 }, {}],
    ['Marketplace_InsufficientProofProbability', { proofProbability: 0, collateralPerByte: 0 }, {}],
    ['Marketplace_InsufficientCollateral', { collateralPerByte: 0, pricePerBytePerSecond: 0 }, {}],
    ['Marketplace_InsufficientReward', { pricePerBytePerSecond: 0 }, { content: { ...BASELINE.content, cid: '0x' } }],
    ['Marketplace_InvalidCid', { duration: LIMIT + 1 }, { content: { ...BASELINE.content, cid: '0x' } }],
    ['Marketplace_DurationExceedsLimit', { duration: LIMIT + 1 }, {}],
  ]
  for (const [error, ask, rest] of worse) {
    const sent = await chain.call(market.marketplace, party('client'), 'requestStorage', [request(ask, rest)])
    expect([error, sent]).toEqual([error, { ok: false, error }])
  }
  // Not looked at: the size of a slot, the root.
  const odd = request({ slotSize: 0 }, { content: { ...BASELINE.content, merkleRoot: `0x${'ff'.repeat(32)}` } })
  await chain.must(market.marketplace, party('client'), 'requestStorage', [odd])
})

function bound(stage: Stage): Pick<Stage, 'chain' | 'market' | 'party'> {
  return { chain: stage.chain, market: stage.market, party: (name) => stage.party(name) }
}

/** @returns the id, as the contract answers it */
async function submit(stage: Stage, made: VectorRequest): Promise<string> {
  const client = stage.party('client')
  await stage.approve(client, maxPriceOf(made))
  const { events } = await chain.must(stage.market.marketplace, client, 'requestStorage', [made])
  return String(events[0]?.args[0])
}

async function fill(stage: Stage, requestId: string, slotIndex: number, by: string, time?: number): Promise<void> {
  const host = stage.party(by)
  const { marketplace } = stage.market
  await chain.must(marketplace, host, 'reserveSlot', [requestId, slotIndex])
  await stage.approve(host, 10n ** 20n)
  await chain.must(marketplace, host, 'fillSlot', [requestId, slotIndex, PROOF], time)
}

type Probe = (stage: Stage, requestId: string) => Promise<{ ok: boolean; error?: string }>

function probe(call: string, args: (requestId: string) => readonly unknown[], by = 'hostA'): Probe {
  return (stage, requestId) => chain.call(stage.market.marketplace, stage.party(by), call, args(requestId))
}

/** After others have reserved as many times as may be. */
async function full(stage: Stage, requestId: string): Promise<void> {
  for (const by of ['hostB', 'hostC', 'validator']) {
    await chain.must(stage.market.marketplace, stage.party(by), 'reserveSlot', [requestId, 0])
  }
}

const PROBES: Readonly<Record<string, Probe>> = {
  'getRequest unknown': probe('getRequest', () => [UNKNOWN]),
  'requestEnd unknown': probe('requestEnd', () => [UNKNOWN]),
  'requestExpiry unknown (returns 0)': async (stage) => {
    expect(await chain.read(stage.market.marketplace, 'requestExpiry', [UNKNOWN])).toBe(0n)
    return { ok: true }
  },
  'getActiveSlot free': probe('getActiveSlot', (id) => [slotIdOf(id, 0)]),
  'getHost unknown (zero address)': async (stage) => {
    expect(await chain.read(stage.market.marketplace, 'getHost', [UNKNOWN])).toBe(`0x${'0'.repeat(40)}`)
    return { ok: true }
  },
  'reserveSlot unknown request': probe('reserveSlot', () => [UNKNOWN, 0]),
  'reserveSlot slot index out of range': probe('reserveSlot', (id) => [id, 4]),
  'fillSlot index out of range': probe('fillSlot', (id) => [id, 4, PROOF]),
  'fillSlot without reservation': probe('fillSlot', (id) => [id, 0, PROOF]),
  'submitProof on never filled slot': probe('submitProof', (id) => [slotIdOf(id, 0), PROOF]),
  'markProofAsMissing on free slot': probe('markProofAsMissing', (id) => [slotIdOf(id, 0), 0]),
  'withdrawFunds unknown': probe('withdrawFunds(bytes32)', () => [UNKNOWN], 'client'),
  'withdrawFunds while New': probe('withdrawFunds(bytes32)', (id) => [id], 'client'),
  'isProofRequired unknown (false)': async (stage) => {
    expect(await chain.read(stage.market.marketplace, 'isProofRequired', [UNKNOWN])).toBe(false)
    return { ok: true }
  },
  'slotProbability unknown (0)': async (stage) => {
    expect(await chain.read(stage.market.marketplace, 'slotProbability', [UNKNOWN])).toBe(0n)
    return { ok: true }
  },
  'fillSlot without allowance': async (stage, requestId) => {
    await chain.must(stage.market.marketplace, stage.party('hostA'), 'reserveSlot', [requestId, 0])
    return probe('fillSlot', (id) => [id, 0, PROOF])(stage, requestId)
  },
  'fillSlot all-zero proof (test verifier)': async (stage, requestId) => {
    await chain.must(stage.market.marketplace, stage.party('hostA'), 'reserveSlot', [requestId, 0])
    return probe('fillSlot', (id) => [id, 0, ZERO_PROOF])(stage, requestId)
  },
  'reserveSlot when full': async (stage, requestId) => {
    await full(stage, requestId)
    return probe('reserveSlot', (id) => [id, 0])(stage, requestId)
  },
  'fillSlot already filled, with reservation': async (stage, requestId) => {
    await chain.must(stage.market.marketplace, stage.party('hostA'), 'reserveSlot', [requestId, 0])
    await fill(stage, requestId, 0, 'hostB')
    return probe('fillSlot', (id) => [id, 0, PROOF])(stage, requestId)
  },
  'reserveSlot filled': async (stage, requestId) => {
    await fill(stage, requestId, 0, 'hostB')
    return probe('reserveSlot', (id) => [id, 0])(stage, requestId)
  },
  'submitProof same period': async (stage, requestId) => {
    await fill(stage, requestId, 0, 'hostA')
    return probe('submitProof', (id) => [slotIdOf(id, 0), PROOF])(stage, requestId)
  },
  'freeSlot by other': async (stage, requestId) => {
    await fill(stage, requestId, 0, 'hostB')
    return probe('freeSlot(bytes32)', (id) => [slotIdOf(id, 0)])(stage, requestId)
  },
}

test.each(vectors.revertProbes)('$label', async ({ label, result }) => {
  const stage = await stageFor('example')
  const play = PROBES[label]
  if (play === undefined) throw new Error(`found no probe for ${label}`)
  const outcome = await play(stage, await submit(stage, BASELINE))
  expect(stage.anonymous(outcome.ok ? 'ok' : (outcome.error ?? ''))).toBe(result)
})

describe('the constructor', () => {
  const example = CONFIGURATIONS['example']
  if (example === undefined) throw new Error('found no configuration')
  const collateral = (change: object): object => ({ ...example, collateral: { ...example.collateral, ...change } })
  const proofs = (change: object): object => ({ ...example, proofs: { ...example.proofs, ...change } })
  const MADE: Readonly<Record<string, object>> = {
    valid: example,
    'repairRewardPercentage 101': collateral({ repairRewardPercentage: 101 }),
    '5 slashes x 21%': collateral({ slashPercentage: 21 }),
    '5 slashes x 20%': collateral({ slashPercentage: 20 }),
    'period 0': proofs({ period: 0 }),
    'maxNumberOfSlashes 0': collateral({ maxNumberOfSlashes: 0 }),
  }

  async function outcomeOf(configuration: unknown): Promise<string> {
    const account = chain.account(9)
    const deployed = await chain.tryDeploy('Marketplace', configuration, account, account)
    return typeof deployed === 'string' ? deployed : 'ok'
  }

  test.each(vectors.constructorChecks)('$label', async ({ label, result }) => {
    expect(await outcomeOf(MADE[label])).toBe(result)
  })

  test('checks in order, and multiplies as narrowly as the deployed one', async () => {
    const worst = { repairRewardPercentage: 101, slashPercentage: 101, maxNumberOfSlashes: 2 }
    expect(await outcomeOf({ ...collateral(worst), proofs: { ...example.proofs, period: 0 } })).toBe(
      'Periods_InvalidSecondsPerPeriod',
    )
    expect(await outcomeOf(collateral(worst))).toBe('Marketplace_RepairRewardPercentageTooHigh')
    expect(await outcomeOf(collateral({ ...worst, repairRewardPercentage: 100 }))).toBe(
      'Marketplace_SlashPercentageTooHigh',
    )
    expect(await outcomeOf(collateral({ slashPercentage: 100, maxNumberOfSlashes: 2 }))).toBe(
      'Marketplace_MaximumSlashingTooHigh',
    )
    expect(await outcomeOf(collateral({ slashPercentage: 100, maxNumberOfSlashes: 3 }))).toBe('Panic(17)')
  })

  test('wants more than 256 blocks', async () => {
    const low = await TestChain.start(onTestFinished, 255)
    const tryDeploy = (configuration: object) =>
      low.tryDeploy('Marketplace', configuration, low.account(0), low.account(0))
    const back = await low.snapshot()
    expect(await tryDeploy(proofs({ period: 0 }))).toBe('Periods_InvalidSecondsPerPeriod')
    await back()
    expect(await tryDeploy(collateral({ slashPercentage: 101 }))).toBe('Proofs_InsufficientBlockHeight')
    expect(await low.blockNumber()).toBe(256)
    expect(await tryDeploy(collateral({ slashPercentage: 101 }))).toBe('Marketplace_SlashPercentageTooHigh')
  })
})

test('ids are made as clients make them', async () => {
  const { marketplace } = (await stageFor('example')).market
  for (const { request: made, requestId, slotIds, abiEncoded } of ids.cases) {
    const { inputs } = marketplace.interface.getFunction('requestStorage') ?? { inputs: [] }
    expect(AbiCoder.defaultAbiCoder().encode(inputs, [made])).toBe(abiEncoded)
    expect(keccak256(abiEncoded)).toBe(requestId)
    for (const { slotIndex, slotId } of slotIds) expect(slotIdOf(requestId, slotIndex)).toBe(slotId)
  }
})

test('requests get the ids of the vectors on the chain', async () => {
  const stage = await stageFor('example')
  const submitted = vectors.ids.filter(({ confirmedOnChain }) => confirmedOnChain === true)
  expect(submitted.length).toBeGreaterThan(1)
  for (const { request: made, requestId, slotIds } of submitted) {
    expect(await submit(stage, made)).toBe(requestId)
    await fill(stage, requestId, 0, 'hostA')
    const mine = await chain.read(stage.market.marketplace, 'mySlots', [], stage.party('hostA'))
    expect([...(mine as string[])]).toContain(slotIds['0'])
  }
})

test('challenges and roots become the field elements of the vectors', async () => {
  const { marketplace } = (await stageFor('example')).market
  for (const { bytes32, challengeAsField, merkleRootAsField } of vectors.fieldElements) {
    expect(String(await chain.read(marketplace, 'challengeToFieldElement', [bytes32]))).toBe(challengeAsField)
    expect(String(await chain.read(marketplace, 'merkleRootToFieldElement', [bytes32]))).toBe(merkleRootAsField)
  }
})
