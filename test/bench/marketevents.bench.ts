// Reading the past events of a marketplace that has many, beside what plain ethers does for one kind of event.

import { ChainWorld, never } from '../market/chainworld.ts'
import type { Bench, Place, Sample } from './harness.ts'
import { builtArtefacts, contractOf, CountingProvider, logEvents, openQuiet } from './marketsides.ts'

const EVENTS = 100_000
const PER_BLOCK = 100

export const bench: Bench = {
  name: 'marketevents',
  title: '10^5 past events',
  peerTitle: 'ethers queryFilter',
  rounds: 3,
  figures: [
    { key: 'ms', unit: 'ms', title: 'back-fill', goal: { of: 'ratio', atMost: 1 } },
    { key: 'requests', unit: 'requests', title: 'requests' },
  ],
  sides: {
    ours: (place) =>
      measured(place, async (world, count) => {
        const market = await openQuiet(world)
        await logEvents(world, count / PER_BLOCK, PER_BLOCK)
        const before = market.requests
        const begin = performance.now()
        let found = 0
        for await (const event of market.pastEvents({ from: 0, ...never })) if (event.type === 'SlotFilled') found++
        return { found, ms: performance.now() - begin, requests: market.requests - before }
      }),
    peer: (place) =>
      measured(place, async (world, count) => {
        await logEvents(world, count / PER_BLOCK, PER_BLOCK)
        const provider = new CountingProvider(world.anvil.endpoint, undefined, { staticNetwork: true })
        const begin = performance.now()
        const { length } = await contractOf(world, provider).queryFilter('SlotFilled', 0, 'latest')
        const ms = performance.now() - begin
        provider.destroy()
        return { found: length, ms, requests: provider.requests }
      }),
  },
}

async function measured(
  { quick, root }: Place,
  work: (world: ChainWorld, count: number) => Promise<Sample & { found: number }>,
): Promise<Sample> {
  const count = quick ? EVENTS / 100 : EVENTS
  const world = await ChainWorld.start({ artefacts: await builtArtefacts(root) })
  try {
    const { found, ...sample } = await work(world, count)
    if (found !== count) throw new Error(`expected ${count} events, found ${found}`)
    return sample
  } finally {
    await world.stop()
  }
}
