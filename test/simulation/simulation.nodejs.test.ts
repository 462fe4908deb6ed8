// The fixed set of simulated worlds: no breach, everything covered, one seed one history, and every planted bug found. LONG=1 plays ten times as
// much, and each plant in four further worlds.

import { beforeAll, describe, expect, it } from 'vitest'
import { PLANTS } from './plants.ts'
import { settling } from './settle.ts'
import { simulate, type SimReport } from './simulate.ts'
import type { SimOptions } from './simworld.ts'

const IS_LONG = import.meta.env['LONG'] === '1'
const FIXED: readonly SimOptions[] = [
  { seed: 1, hosts: 3, clients: 2, days: 0.4 },
  { seed: 2, hosts: 6, clients: 3, days: 0.4 },
  { seed: 3, hosts: 12, clients: 4, days: 0.3 },
]
const LONG: readonly SimOptions[] = [4, 5].map((seed) => ({ seed, hosts: 12, clients: 4, days: 2 }))
const LEAST_STEPS = IS_LONG ? 1_000_000 : 100_000

const COVERED = [
  ...['preparing', 'reserving', 'downloading', 'initial proving', 'filling', 'filled', 'proving', 'collecting'].map(
    (phase) => `phase/${phase}`,
  ),
  ...['paid', 'declined', 'cancelled', 'failed', 'freed', 'broke'].map((end) => `end/${end}`),
  ...['rpc outage', 'call fails', 'call stale', 'call late', 'send refused', 'send lost', 'answer lost'],
  ...[
    'event lost',
    'event twice',
    'event late',
    'prove fails',
    'prove slow',
    'reorg',
    'crash',
    'stop',
    'freeze',
    'thaw',
  ],
].map((what) => (what.includes('/') ? what : `fault/${what}`))
const CHAIN = ['StorageRequested', 'SlotFilled', 'SlotFreed', 'SlotReservationsFull', 'RequestFulfilled']
const UNDONE = ['ProofSubmitted']
const PURCHASES = ['finished', 'cancelled']

function played(options: SimOptions): Promise<SimReport> {
  return settling((settle) => simulate(options, settle))
}

describe('the fixed set', () => {
  const reports: SimReport[] = []
  beforeAll(async () => {
    for (const options of IS_LONG ? [...FIXED, ...LONG] : FIXED) reports.push(await played(options))
  }, 600_000)

  it('breaches nothing, in as many steps as promised', () => {
    for (const { seed, breaches } of reports) expect(breaches, `seed ${seed}`).toEqual([])
    expect(reports.reduce((sum, { steps }) => sum + steps, 0)).toBeGreaterThan(LEAST_STEPS)
  })

  it('covers every phase, end, fault and event', () => {
    const covered = new Set(reports.flatMap(({ coverage }) => Object.keys(coverage)))
    const wanted = [
      ...COVERED,
      ...CHAIN.map((event) => `chain/${event}`),
      ...UNDONE.map((event) => `chain/undone ${event}`),
      ...PURCHASES.map((state) => `purchase/${state}`),
    ]
    expect(wanted.filter((what) => !covered.has(what))).toEqual([])
  })
})

it('one seed is one history, whatever ran before', async () => {
  const options = { seed: 77, hosts: 3, clients: 2, days: 0.1 }
  const first = await played(options)
  await played({ ...options, seed: 78 })
  const again = await played(options)
  expect(again).toEqual(first)
  expect((await played({ ...options, seed: 78 })).history).not.toBe(first.history)
}, 120_000)

describe('a known bug, planted, is found', () => {
  /** Found quickly; the others wait for days to pass. */
  const QUICK = ['T1', 'T2', 'T3', 'T5', 'T12', 'T13', 'T19', 'T22', 'T23', 'S5']
  const names = Object.keys(PLANTS).filter((name) => IS_LONG || QUICK.includes(name))
  it.each(names.map((name) => [name, PLANTS[name]?.happened]))(
    '%s: %s',
    async (name = '') => {
      for (const seed of IS_LONG ? [1, 11, 12, 13, 14] : [1]) {
        const { breaches } = await played({ seed, hosts: 12, clients: 4, days: 2, plants: [name] })
        expect(breaches.length, `seed ${seed}`).toBeGreaterThan(0)
      }
    },
    1_800_000,
  )
})
