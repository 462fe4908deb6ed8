// The drawing of a sale and the names people see.

import { expect, it } from 'vitest'
import { OUTCOME_NAMES, type SaleEnd } from '../../src/sales/saleoutcome.ts'
import {
  FIRST_PHASES,
  PHASE_NAMES,
  type PhaseName,
  SALE_STATE_NAMES,
  ends,
  mayEnd,
  mayFollow,
  next,
} from '../../src/sales/salephase.ts'

const PHASES = Object.keys(PHASE_NAMES) as PhaseName[]
const AFTER_THE_FILL: readonly PhaseName[] = ['filled', 'proving', 'collecting']

it('has fourteen names', () => {
  expect([...SALE_STATE_NAMES].sort()).toEqual([
    'SaleCancelled',
    'SaleDownloading',
    'SaleErrored',
    'SaleFailed',
    'SaleFilled',
    'SaleFilling',
    'SaleFinished',
    'SaleIgnored',
    'SaleInitialProving',
    'SalePayout',
    'SalePreparing',
    'SaleProving',
    'SaleSlotReserving',
    'SaleUnknown',
  ])
})

it('names every phase and every end as people know them', () => {
  expect(PHASE_NAMES).toEqual({
    preparing: 'SalePreparing',
    reserving: 'SaleSlotReserving',
    downloading: 'SaleDownloading',
    'initial proving': 'SaleInitialProving',
    filling: 'SaleFilling',
    filled: 'SaleFilled',
    proving: 'SaleProving',
    collecting: 'SalePayout',
  })
  expect(OUTCOME_NAMES).toEqual({
    paid: 'SaleFinished',
    declined: 'SaleIgnored',
    cancelled: 'SaleCancelled',
    failed: 'SaleFailed',
    freed: 'SaleErrored',
    broke: 'SaleErrored',
  })
})

it('leads from its beginnings to every phase, and from every phase to an end', () => {
  const reached = new Set<PhaseName>()
  const walk = (phase: PhaseName): void => {
    if (reached.has(phase)) return
    reached.add(phase)
    next[phase].forEach(walk)
  }
  walk('preparing')
  expect([...reached].sort()).toEqual([...PHASES].sort())
  for (const phase of PHASES) expect(ends[phase].length).toBeGreaterThan(0)
})

it('goes from the first phase to the last in order', () => {
  for (const [i, phase] of PHASES.entries()) {
    const follower = PHASES[i + 1]
    if (follower !== undefined) expect(mayFollow(phase, follower)).toBe(true)
  }
})

it('never goes back behind the fill, but for a reorganisation that took it back', () => {
  for (const phase of AFTER_THE_FILL)
    for (const follower of next[phase])
      expect(AFTER_THE_FILL).toContain(phase !== 'filled' && follower === 'filling' ? 'filled' : follower)
})

it('lets only the chain end what is filled', () => {
  for (const phase of PHASES) {
    const isFilled = AFTER_THE_FILL.includes(phase)
    expect(mayEnd(phase, 'broke')).toBe(!isFilled)
    // To be collected it was ours, which a reorganisation may take back.
    expect(mayEnd(phase, 'declined')).toBe(!isFilled || phase === 'collecting')
    expect(mayEnd(phase, 'freed')).toBe(isFilled || phase === 'filling')
    expect(mayEnd(phase, 'paid')).toBe(phase === 'collecting')
    expect(mayEnd(phase, 'paused')).toBe(true)
  }
})

it('begins afresh, with a fill under way, or with a slot of ours', () => {
  expect(PHASES.filter((phase) => mayFollow(undefined, phase))).toEqual([...FIRST_PHASES])
  expect(mayFollow('proving', 'filled')).toBe(false)
  const resumed = (['paid', 'declined', 'cancelled', 'failed', 'freed', 'broke', 'paused'] as SaleEnd[]).filter((end) =>
    mayEnd(undefined, end),
  )
  expect(resumed).toEqual(['paid', 'declined', 'cancelled', 'failed', 'freed', 'paused'])
})
