// Every reason to sell nothing, and what is told of it: set, released, told once for each cause, and over.

import { expect, it, onTestFinished } from 'vitest'
import type { RaisedAlert } from '../../src/lib/alert.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import {
  Holds,
  LOOK_AT_CAP_SECONDS,
  LOOK_AT_CHAIN_SECONDS,
  type HoldsParts,
  LONELY_SECONDS,
  LOOK_FOR_PEERS_SECONDS,
  MAX_RETRY_SECONDS,
  MEASURE_AGAIN_SECONDS,
  RETRY_SECONDS,
} from '../../src/sales/holds.ts'
import type { Spending } from '../../src/market/market.ts'
import { PauseRecord } from '../../src/sales/pauserecord.ts'
import type { Reservation } from '../../src/sales/reservation.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }

const PERIOD = 20
const SLOW = PERIOD * 0.6
const FAST = PERIOD * 0.4
const TERMS = vectors.meta.configs.example

interface World {
  /** What the next proof takes, or why it fails. */
  proof: number | Error
  problems: string[]
  isConnected: boolean
  /** Peers were given to the node. */
  isNamed: boolean
  spending: Spending
  isAway: boolean
  /** When the last request is over. */
  until: number
}

const NO_COSTS: Spending = { capWei: 1000n, takenWei: 0n, laterWei: [], dutiesPerDayWei: 0n, refused: undefined }

async function holding(start: Partial<World> = {}, datastore = new MemoryDatastore(), isAbsent = false) {
  const world: World = {
    proof: FAST,
    problems: [],
    ...{ isConnected: true, isNamed: true },
    spending: NO_COSTS,
    isAway: false,
    until: 10 ** 6,
    ...start,
  }
  const clock = new ManualClock(1000)
  const raised: RaisedAlert[] = []
  const over: string[] = []
  const recentSeconds: number[] = []
  const ending = new AbortController()
  const sales = {
    isPaused: false,
    pause: () => (sales.isPaused = true),
    resume: () => (sales.isPaused = false),
    isHeldBack: false,
    holdBack: (isHeldBack: boolean) => (sales.isHeldBack = isHeldBack),
  }
  const rehearsed: number[] = []
  const prover: HoldsParts['prover'] = {
    isAbsent,
    get meter() {
      const lastSeconds = recentSeconds.at(-1)
      return { lastSeconds, recentSeconds, proofs: recentSeconds.length, waiting: 0, developmentMark: undefined }
    },
    rehearse: async () => {
      rehearsed.push(clock.now() - 1000)
      if (world.proof instanceof Error) throw world.proof
      recentSeconds.push(world.proof)
      return world.proof
    },
  }
  const holds = new Holds({
    sales: sales as unknown as HoldsParts['sales'],
    market: {
      terms: { ...TERMS, proofs: { ...TERMS.proofs, period: PERIOD } },
      spending: () => world.spending,
      endpointStatus: () =>
        world.isAway ? { state: 'unreachable', since: 1, problem: 'no new block' } : { state: 'connected' },
    },
    clock,
    reservations: {
      check: async () => world.problems,
      reservations: () =>
        [
          { collateral: 7n, validUntil: world.until },
          { collateral: 5n, returnedCollateral: 5n, validUntil: 0 },
        ] as Reservation[],
    },
    prover,
    network: {
      get isConnected() {
        return world.isConnected
      },
      get hasPeers() {
        return world.isConnected || world.isNamed
      },
    },
    record: await PauseRecord.open(datastore),
    log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }),
    raise: (alert) => raised.push(alert),
    over: (code) => over.push(code),
  })
  const tasks = [
    holds.rehearseForEver(ending),
    holds.checkForEver(ending),
    holds.watchPeers(ending),
    holds.watchChain(ending),
    holds.watchCap(ending),
  ].map((task) => task.catch(() => undefined))
  onTestFinished(async () => {
    ending.abort(new Error('the test is over'))
    await Promise.all(tasks)
  })
  return {
    ...{ world, clock, holds, sales, over, rehearsed, datastore },
    codes: () => raised.splice(0).map(({ code }) => code),
    alert: () => raised.at(-1),
    /** A proof of a duty took so long. */
    proves: (seconds: number, times = 1) => {
      for (let nth = 0; nth < times; nth++) {
        recentSeconds.push(seconds)
        holds.measured()
      }
    },
  }
}

it('starting: nothing is sold before a first proof was made', async () => {
  const { world, clock, holds, sales } = await holding({ proof: new Error('not yet') })
  await clock.play(RETRY_SECONDS - 1)
  expect(holds.all).toEqual(['starting'])
  expect(sales).toMatchObject({ isPaused: true, isHeldBack: true })
  world.proof = FAST
  await clock.play(1)
  expect(holds.all).toEqual([])
  expect(sales).toMatchObject({ isPaused: false, isHeldBack: false })
})

it('prover-fails: told once for each cause, tried again ever more rarely, and over with the first proof', async () => {
  const { world, clock, holds, rehearsed, codes, alert, over } = await holding({ proof: new Error('no circuit') })
  await clock.play(20 * RETRY_SECONDS)
  expect(rehearsed).toEqual([0, 1, 3, 7, 15].map((waits) => waits * RETRY_SECONDS))
  expect(alert()).toMatchObject({ atStake: 7n, action: 'Check the circuit files' })
  expect(codes()).toEqual(['sales/prover-fails'])
  world.proof = new Error('another reason')
  await clock.play(24 * 3600)
  expect(codes()).toEqual(['sales/prover-fails'])
  expect((rehearsed.at(-1) ?? 0) - (rehearsed.at(-2) ?? 0)).toBe(MAX_RETRY_SECONDS)
  expect(holds.all).toEqual(['starting'])
  expect(over).toEqual([])
  world.proof = FAST
  await clock.play(MAX_RETRY_SECONDS)
  expect(holds.all).toEqual([])
  expect(over).toEqual(['sales/prover-fails'])
})

it('slow prover: from the first proof on, measured again while nothing else is proven, and released when it is fast', async () => {
  const { world, clock, holds, codes, alert, over } = await holding({ proof: SLOW })
  await clock.play(0)
  expect(holds.all).toEqual(['slow prover'])
  expect(alert()?.cause).toMatch(/takes 12\.0 s here, more than half of the period of 20 s/)
  expect(alert()?.atStake).toBe(7n)
  expect(codes()).toEqual(['sales/prover-too-slow'])
  world.proof = FAST
  await clock.play(3 * MEASURE_AGAIN_SECONDS)
  expect(holds.all).toEqual([])
  expect(over).toContain('sales/prover-too-slow')
  expect(codes()).toEqual([])
})

it('slow prover: set and released by the proofs of duties too; one slow proof among fast ones says nothing', async () => {
  const { clock, holds, sales, codes, over, proves, rehearsed } = await holding()
  await clock.play(0)
  proves(FAST, 8)
  proves(SLOW)
  expect(holds.all).toEqual([])
  proves(SLOW, 8)
  expect(holds.all).toEqual(['slow prover'])
  expect(sales.isPaused).toBe(true)
  expect(codes()).toEqual(['sales/prover-too-slow'])
  const before = rehearsed.length
  for (let nth = 0; nth < 4; nth++) {
    proves(FAST)
    await clock.play(MEASURE_AGAIN_SECONDS - 1)
  }
  // What it holds is proven: that measures enough.
  expect(rehearsed.length).toBe(before)
  proves(FAST)
  expect(holds.all).toEqual([])
  expect(over.filter((code) => code === 'sales/prover-too-slow')).toHaveLength(1)
})

it('wrong accounts: told once, released when they are right again', async () => {
  const { world, clock, holds, codes, alert, over } = await holding({ problems: ['a byte too many'] })
  await clock.play(3 * 3600)
  expect(alert()).toMatchObject({ atStake: 7n, action: expect.stringMatching(/--check`, in a tab the button/) })
  expect(holds.all).toEqual(['wrong accounts'])
  expect(codes()).toEqual(['sales/wrong-accounts'])
  world.problems = []
  await clock.play(3600)
  expect(holds.all).toEqual([])
  expect(over).toContain('sales/wrong-accounts')
})

it.each([true, false])(
  'no peers: nothing is sold, nor gas spent, while nobody could give the data; peers named: %s',
  async (isNamed) => {
    const { world, clock, holds, codes, alert, over } = await holding({ isConnected: false, isNamed })
    expect(holds.all).toContain('no peers')
    await clock.play(LONELY_SECONDS - LOOK_FOR_PEERS_SECONDS)
    expect(holds.all).toEqual(['no peers'])
    // A start takes a moment.
    expect(codes()).toEqual([])
    await clock.play(2 * LONELY_SECONDS)
    expect(alert()?.cause).toMatch(isNamed ? /None of the peers .* can be reached/ : /given no peers/)
    expect(codes()).toEqual(['network/no-peers'])
    world.isConnected = true
    await clock.play(LOOK_FOR_PEERS_SECONDS)
    expect([holds.all, over.splice(0)]).toEqual([[], expect.arrayContaining(['network/no-peers'])])
    // A line that breaks for a moment holds sales back, and frightens nobody.
    world.isConnected = false
    await clock.play(LOOK_FOR_PEERS_SECONDS)
    expect(holds.all).toEqual(['no peers'])
    await clock.play(LONELY_SECONDS / 2)
    world.isConnected = true
    await clock.play(LOOK_FOR_PEERS_SECONDS)
    expect([holds.all, codes(), over]).toEqual([[], [], []])
  },
)

it('daily cap: nothing new while the duties are more than it can carry, and no word of the machine or the endpoint', async () => {
  const { world, clock, holds, codes, alert, over } = await holding()
  const is = async (change: Partial<Spending>, until = 10 ** 6): Promise<readonly string[]> => {
    Object.assign(world, { spending: { ...NO_COSTS, ...change }, until })
    await clock.play(LOOK_AT_CAP_SECONDS)
    return holds.all
  }
  expect(await is({ dutiesPerDayWei: 1000n, takenWei: 900n })).toEqual([])
  expect(await is({ dutiesPerDayWei: 1001n })).toEqual(['daily cap'])
  expect(alert()?.cause).toMatch(/1001 wei a day, which the daily cap of 1000 wei/)
  // A little less is no end of it.
  expect(await is({ dutiesPerDayWei: 900n })).toEqual(['daily cap'])
  expect(await is({ dutiesPerDayWei: 800n })).toEqual([])
  expect(codes()).toEqual(['sales/cap-too-low'])
  // What is sold is over in a twentieth of a day.
  const soon = clock.now() + 4320 + LOOK_AT_CAP_SECONDS
  expect(await is({ dutiesPerDayWei: 2000n, takenWei: 900n }, soon)).toEqual([])
  expect(await is({ dutiesPerDayWei: 2000n, takenWei: 950n }, soon)).toEqual(['daily cap'])
  expect(codes()).toEqual(['sales/cap-too-low'])
  expect(await is({ takenWei: 999n, refused: 'duty' })).toEqual(['daily cap'])
  expect(alert()).toMatchObject({ atStake: 7n, action: 'Raise the daily cap of spending: --max-daily-spend WEI' })
  expect(codes()).toEqual(['sales/duty-over-cap'])
  expect(await is({ takenWei: 800n, refused: 'act' })).toEqual(['daily cap'])
  expect(codes()).toEqual(['sales/cap-used-up'])
  expect(await is({})).toEqual([])
  expect(over).toEqual(
    ['sales/prover-fails', ...['too-low', 'too-low', 'used-up'].map((what) => `sales/cap-${what}`)].toSpliced(
      3,
      0,
      'sales/duty-over-cap',
    ),
  )
})

it('no circuit: keeps its accounts, takes nothing, and says what is missing', async () => {
  const { clock, holds, codes, alert, rehearsed } = await holding({}, undefined, true)
  await clock.play(MAX_RETRY_SECONDS)
  expect([holds.all, rehearsed]).toEqual([['no circuit'], []])
  expect(alert()?.action).toContain('--circuit')
  expect(codes()).toEqual(['sales/no-circuit'])
})

it('paused: lasts over restarts until somebody resumes', async () => {
  const first = await holding()
  await first.clock.play(0)
  await first.holds.pause()
  expect(first.holds.all).toEqual(['paused'])
  const second = await holding({}, first.datastore)
  await second.clock.play(0)
  expect(second.holds.all).toEqual(['paused'])
  // What an earlier run took goes on: that is nothing new.
  expect(second.sales).toMatchObject({ isPaused: true, isHeldBack: false })
  await second.holds.resume()
  expect(second.sales.isPaused).toBe(false)
  const third = await holding({}, first.datastore)
  await third.clock.play(0)
  expect(third.holds.all).toEqual([])
})

it('no chain: while the endpoint tells nothing of use', async () => {
  const { world, clock, holds } = await holding({ isAway: true })
  await clock.play(1)
  expect(holds.all).toEqual(['no chain'])
  world.isAway = false
  await clock.play(LOOK_AT_CHAIN_SECONDS)
  expect(holds.all).toEqual([])
})

it.each(['slow prover', 'wrong accounts', 'no peers', 'no chain', 'no circuit', 'data at risk', 'daily cap'] as const)(
  '%s: slots that an earlier run took wait too, as long as it lasts, whatever else is over before',
  async (hold) => {
    const { clock, holds, sales } = await holding()
    await clock.play(0)
    holds.add(hold)
    await holds.pause()
    expect(sales).toMatchObject({ isPaused: true, isHeldBack: true })
    await holds.resume()
    expect(sales).toMatchObject({ isPaused: true, isHeldBack: true })
    holds.release(hold)
    expect(sales).toMatchObject({ isPaused: false, isHeldBack: false })
  },
)
