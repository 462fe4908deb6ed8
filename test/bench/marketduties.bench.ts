// What one period asks of a thousand filled slots, beside plain ethers asking the five views of every slot at once.

import type { SlotId } from '../../src/protocol/request.ts'
import { ChainWorld, never } from '../market/chainworld.ts'
import type { Bench, Place, Sample } from './harness.ts'
import { builtArtefacts, contractOf, CountingProvider, fillSlots, openQuiet } from './marketsides.ts'

const SLOTS = 1_000
const QUICK_SLOTS = 40
const VIEWS = ['slotState', 'isProofRequired', 'willProofBeRequired', 'getPointer', 'getChallenge'] as const

export const bench: Bench = {
  name: 'marketduties',
  title: 'duties of 1,000 slots',
  peerTitle: 'ethers, all slots at once',
  rounds: 3,
  figures: [
    { key: 'ms', unit: 'ms', title: 'check', goal: { of: 'ratio', atMost: 0.5 } },
    { key: 'requests', unit: 'requests', title: 'requests', goal: { of: 'ours', atMost: 12 } },
  ],
  sides: {
    ours: (place) =>
      measured(place, async (world, slots) => {
        const market = await openQuiet(world)
        const before = market.requests
        const begin = performance.now()
        const duties = await market.slotDuties(slots, never)
        const ms = performance.now() - begin
        const filled = duties.filter(({ state }) => state === 'Filled').length
        return { filled, ms, requests: market.requests - before }
      }),
    peer: (place) =>
      measured(place, async (world, slots) => {
        const provider = new CountingProvider(world.anvil.endpoint, undefined, { staticNetwork: true })
        const contract = contractOf(world, provider)
        const ask = (view: string, id: SlotId) =>
          contract.getFunction(view)(id, { blockTag: 'pending' }) as Promise<unknown>
        const begin = performance.now()
        const answers = await Promise.all(slots.map((id) => Promise.all(VIEWS.map((view) => ask(view, id)))))
        const ms = performance.now() - begin
        provider.destroy()
        return { filled: answers.filter(([state]) => state === 1n).length, ms, requests: provider.requests }
      }),
  },
}

async function measured(
  { quick, root }: Place,
  work: (world: ChainWorld, slots: readonly SlotId[]) => Promise<Sample & { filled: number }>,
): Promise<Sample> {
  const world = await ChainWorld.start({ artefacts: await builtArtefacts(root) })
  try {
    const slots = await fillSlots(world, quick ? QUICK_SLOTS : SLOTS)
    const { filled, ...sample } = await work(world, slots)
    if (filled !== slots.length) throw new Error(`expected ${slots.length} filled slots, found ${filled}`)
    return sample
  } finally {
    await world.stop()
  }
}
