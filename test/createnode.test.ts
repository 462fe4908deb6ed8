// What createNode is given arrives where the roles of a node are made: options in, what the marketplace is entered with out.

import { expect, it } from 'vitest'
import { type CreateNodeOptions, takeRoles } from '../src/createnode.ts'
import type { CodexNode } from '../src/node.ts'
import type { TradeSettings } from '../src/trade.ts'

const KEY = '59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
const ADDRESS = `0x${'ab'.repeat(20)}`
const CIRCUIT = { wasm: new Uint8Array(1), zkey: new Uint8Array(2) }
const PLAIN: CreateNodeOptions = {
  ethProvider: 'http://127.0.0.1:9',
  key: KEY,
  circuit: CIRCUIT,
  roles: ['client', 'provider', 'validator'],
}

/** As the node would enter with. */
async function entered(options: CreateNodeOptions): Promise<TradeSettings> {
  const found: TradeSettings[] = []
  const node = {
    join: () => Promise.resolve({}),
    tellUnproven: () => Promise.resolve(undefined),
    enter: (trade: TradeSettings) => Promise.resolve(found.push(trade)),
  } as unknown as CodexNode
  await takeRoles(node, options, { signal: new AbortController().signal })
  const [trade] = found
  if (trade === undefined) throw new Error('expected it to enter the marketplace')
  return trade
}

const GROUP = { maxSlots: 3, group: { groups: 4, groupIndex: 1 } }
const SHAPE = { samples: 2, slotDepth: 13, datasetDepth: 3 }

type Expected = Readonly<Partial<Record<'chain' | 'provider' | 'validator', object>>>

it.each<readonly [options: Partial<CreateNodeOptions>, settings: Expected]>([
  [{ rewardRecipient: ADDRESS }, { chain: { rewardRecipient: ADDRESS } }],
  [{ marketplace: ADDRESS }, { chain: { marketplace: ADDRESS } }],
  [{ chainId: 1337 }, { chain: { chainId: 1337 } }],
  [{ confirmations: 3 }, { chain: { confirmations: 3 } }],
  [{ pollSeconds: 2 }, { chain: { pollSeconds: 2 } }],
  [{ maxPriorityFeePerGasWei: 7n }, { chain: { maxPriorityFeePerGasWei: 7n } }],
  [{ maxDailySpendWei: 9n }, { chain: { maxDailySpendWei: 9n } }],
  [{ circuitShape: SHAPE }, { provider: { shape: SHAPE } }],
  [{ proverThreads: 2 }, { provider: { threads: 2 } }],
  [{ provingShare: 0.25 }, { provider: { provingShare: 0.25 } }],
  [{ maxWorkers: 5 }, { provider: { workers: 5 } }],
  [{ queueSize: 6 }, { provider: { queueSize: 6 } }],
  [{ simulateProofFailures: 4 }, { provider: { failEveryProofs: 4 } }],
  [{ validator: GROUP }, { validator: GROUP }],
])('%o arrives, and changes nothing else', async (options, { chain, provider, validator }) => {
  const plain = await entered(PLAIN)
  expect(plain).toMatchObject({ client: true, chain: { url: PLAIN.ethProvider }, provider: { circuit: CIRCUIT } })
  const found = await entered({ ...PLAIN, ...options })
  expect(found.chain).toEqual({ ...plain.chain, ...chain })
  expect(found.provider).toEqual({ ...plain.provider, ...provider })
  expect(found.validator).toEqual(validator ?? {})
})

it.each(['client', 'provider', 'validator'] as const)('only a %s is made of who is none but that', async (role) => {
  const { client, provider, validator } = await entered({ ...PLAIN, roles: [role] })
  const made = { client: client === true, provider: provider !== undefined, validator: validator !== undefined }
  expect(made).toEqual({ client: false, provider: false, validator: false, [role]: true })
})
