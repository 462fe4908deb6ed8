// A provider in one process that carries fifty slots of several requests at once, on a real chain with real proofs, in little memory.

import { afterEach, expect, test } from 'vitest'
import { quantity } from '../../src/devnet/jsonrpc.ts'
import { MiB, type Seconds } from '../../src/lib/units.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId } from '../../src/protocol/request.ts'
import { buy, CONFIGURATION, NEVER, type NodeWorld, purchaseState, upload, type WorldNode } from './nodeworld.ts'
import { SellingProcess } from './sellingprocess.ts'
import { sharedWorld } from './sharedworld.ts'

/** Of each request; the circuit has room for eight. */
const SLOTS_OF = [8, 8, 8, 8, 8, 5, 5]
const SLOTS = SLOTS_OF.reduce((sum, slots) => sum + slots, 0)
const BLOCKS = 16
/** Looked at and downloaded at once; so many slots are filled in a period at most. */
const WORKERS = 50
const PERIODS = 2
/** Of the machine's time, for each step while slots are fetched. */
const SLOW_PAUSE_MS = 300
const MAX_RSS_BYTES = 500 * MiB
/** As networks have it, but for the time itself: it stands while the provider proves. */
const PROOFS = { ...CONFIGURATION.proofs, period: 120, timeout: 30, downtime: 64, downtimeProduct: 67 }
const PERIOD: Seconds = PROOFS.period
const DURATION: Seconds = 40 * PERIOD
const EXPIRY: Seconds = 30 * PERIOD

const worldOf = sharedWorld({ proofs: PROOFS })
let provider: SellingProcess | undefined
afterEach(() => provider?.kill(), 60_000)

test.runIf(import.meta.env['LONG'])(
  `one process carries ${SLOTS} filled slots, meets each duty of ${PERIODS} periods, and stays below ${MAX_RSS_BYTES / MiB} MiB`,
  async () => {
    const world = worldOf()
    world.time.slowPauseMs = SLOW_PAUSE_MS
    // Marks what is missing, too.
    const client = await world.node('client', { account: 1, roles: ['client', 'validator'] })
    const marked: string[] = []
    client.events.addEventListener('marked', ({ detail }) => marked.push(detail.slotId))
    const running = (provider = await SellingProcess.inWorld(world, {
      account: 2,
      client,
      // Steps of time are as long as many proofs: what a proof takes is not to be seen there.
      ...{ maxWorkers: WORKERS, provingShare: 1, proverThreads: 2, quotaBytes: 64 * MiB },
      offer: { totalSize: 48 * MiB, duration: 2 * DURATION, totalCollateral: String(10n ** 12n) },
    }))
    const requests: { readonly id: RequestId; readonly slots: number }[] = []
    for (const [i, nodes] of SLOTS_OF.entries()) {
      const cid = await upload(client, BLOCKS * 65_536, i + 1)
      const id = await buy(client, cid, { nodes, duration: DURATION, expiry: EXPIRY, proofProbability: 1n })
      requests.push({ id, slots: nodes })
    }
    const isStarted = ({ id }: { readonly id: RequestId }): boolean => purchaseState(client, id) === 'started'
    await world.until('all slots are filled', () => running.isRunning && requests.every(isStarted), EXPIRY)
    const filled = await running.look()
    console.log(`${SLOTS} slots are filled: at most ${Math.round(filled.peakRssBytes / MiB)} MiB so far`)
    expect(filled).toMatchObject({ reservations: SLOTS, problems: [] })

    const slots = requests.flatMap(({ id, slots }) => Array.from({ length: slots }, (_, i) => slotId(id, i)))
    const due = await dutiesOf(world, client, slots)
    const proven = await proofsOf(world, client)
    const { peakRssBytes } = await running.look()
    console.log(
      `${SLOTS} slots: ${due.size} proofs due in ${PERIODS} periods, ${[...due].filter((duty) => proven.has(duty)).length} made; at most ${Math.round(peakRssBytes / MiB)} MiB`,
    )
    expect(due.size).toBeGreaterThan((PERIODS * SLOTS) / 2)
    expect([...due].filter((duty) => !proven.has(duty))).toEqual([])
    const missing = await Promise.all(slots.map((id) => client.trade.market.missingProofs(id, NEVER)))
    expect(missing.filter((count) => count > 0)).toEqual([])
    expect(marked).toEqual([])
    expect(peakRssBytes).toBeLessThan(MAX_RSS_BYTES)
  },
  3_600_000,
)

/** Those that the contract names from the next period on, each as slot and period. */
async function dutiesOf(world: NodeWorld, { trade }: WorldNode, slots: readonly SlotId[]): Promise<Set<string>> {
  const due = new Set<string>()
  const first = Math.floor(trade.market.clock.now() / PERIOD) + 1
  let before = performance.now()
  for (let period = first; period < first + PERIODS; period++) {
    await world.until(`period ${period}`, () => trade.market.clock.now() > period * PERIOD + PERIOD / 2)
    // Chain time stands while it proves: whether it would have been in time on a real chain, this tells.
    const seconds = (performance.now() - before) / 1000
    before = performance.now()
    if (period > first) console.log(`a period of ${PERIOD} s took ${seconds.toFixed(1)} s of the machine's time`)
    const duties = await world.time.holdDuring(() => trade.market.slotDuties(slots, NEVER))
    for (const duty of duties) {
      expect(duty).toMatchObject({ state: 'Filled', period })
      expect(duty.problem).toBeUndefined()
      if (duty.duty !== undefined) due.add(`${duty.slotId} ${period}`)
    }
  }
  // Until the validator has looked at the last of them.
  const end = (first + PERIODS) * PERIOD + PROOFS.timeout
  await world.until('the last of them is over', () => trade.market.clock.now() > end)
  return due
}

/** In the chain, each as slot and period. */
async function proofsOf({ anvil }: NodeWorld, { trade }: WorldNode): Promise<ReadonlySet<string>> {
  const proofs = new Set<string>()
  for await (const event of trade.market.pastEvents({ from: 0, ...NEVER })) {
    if (event.type !== 'ProofSubmitted') continue
    const block = await anvil.rpc.call<{ timestamp: string }>('eth_getBlockByNumber', [quantity(event.block), false])
    proofs.add(`${event.slotId} ${Math.floor(Number(block.timestamp) / PERIOD)}`)
  }
  return proofs
}
