// A provider in one process that carries fifty slots of several requests at once, on a real chain with real proofs, in little memory.

import { afterEach, expect, test } from 'vitest'
import { MiB } from '../../src/lib/units.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { addressOf, buy, CONFIGURATION, NodeWorld, purchaseState, RICH, upload } from './nodeworld.ts'
import { PROCESS_OFFER, SellingProcess } from './sellingprocess.ts'

const REQUESTS = 5
/** One block in each. */
const SLOTS_PER_REQUEST = 10
const SLOTS = REQUESTS * SLOTS_PER_REQUEST
const DATASET_BYTES = 8 * 65_536
const PERIODS = 3
const MAX_RSS_BYTES = 500 * MiB

let world: NodeWorld
let provider: SellingProcess | undefined
afterEach(async () => {
  await provider?.kill()
  await world.stop()
}, 60_000)

test.runIf(import.meta.env['LONG'])(
  `one process carries ${SLOTS} filled slots, misses no proof of them in ${PERIODS} periods, and stays below ${MAX_RSS_BYTES / MiB} MiB`,
  async () => {
    world = await NodeWorld.start()
    const client = await world.node('client', { account: 1, roles: ['client'] })
    const validator = await world.node('validator', { account: 5, roles: ['validator'] })
    const marked: string[] = []
    validator.events.addEventListener('marked', ({ detail }) => marked.push(detail.slotId))
    const running = (provider = await SellingProcess.inWorld(world, { account: 2, client }))
    const terms = {
      ...{ nodes: SLOTS_PER_REQUEST, tolerance: 2, proofProbability: 1n },
      ...{ duration: 1000, expiry: 900 },
    }
    const requests: RequestId[] = []
    for (let i = 0; i < REQUESTS; i++)
      requests.push(await buy(client, await upload(client, DATASET_BYTES, i + 1), terms))
    await world.until(
      'all started',
      () => running.isRunning && requests.every((id) => purchaseState(client, id) === 'started'),
    )
    expect(await running.look()).toMatchObject({ reservations: SLOTS, problems: [] })

    const { period } = CONFIGURATION.proofs
    const end = (Math.floor(world.time.readMs() / 1000 / period) + PERIODS + 1) * period
    let submitted = 0
    for await (const { type } of client.trade.market.pastEvents({ from: 0, signal: new AbortController().signal }))
      if (type === 'ProofSubmitted') submitted++
    await world.until(`${PERIODS} periods`, () => running.isRunning && world.time.readMs() / 1000 > end + 2)
    let proven = -submitted
    for await (const { type } of client.trade.market.pastEvents({ from: 0, signal: new AbortController().signal }))
      if (type === 'ProofSubmitted') proven++
    const { rssBytes } = await running.look()
    console.log(`${proven} proofs of ${SLOTS} slots in ${PERIODS} periods; ${Math.round(rssBytes / MiB)} MiB`)
    expect(proven).toBeGreaterThanOrEqual(PERIODS * SLOTS)
    expect(marked).toEqual([])
    expect(rssBytes).toBeLessThan(MAX_RSS_BYTES)

    await world.until(
      'all finished',
      () => running.isRunning && requests.every((id) => purchaseState(client, id) === 'finished'),
    )
    await world.until('all paid', async () => (await running.look()).reservations === 0)
    const { reward, freeBytes, problems } = await running.look()
    expect({ freeBytes, problems }).toEqual({ freeBytes: PROCESS_OFFER.totalSize, problems: [] })
    expect((await world.tokensOf(addressOf(2))) - RICH).toBe(BigInt(reward))
  },
  3_600_000,
)
