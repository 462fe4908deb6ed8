// What becomes of a reservation at start, row by row.

import { describe, expect, it } from 'vitest'
import { SLOT_STATES, type SlotState } from '../../src/market/chainstates.ts'
import { type FillFate, RESTART_TABLE, decideAtStart } from '../../src/sales/restart.ts'
import { settle } from '../../src/sales/settlement.ts'

const FATES: readonly FillFate[] = ['never sent', 'in flight', 'landed', 'unknown']

function told(state: SlotState, isOurs: boolean, fill: FillFate): string {
  const decision = decideAtStart({ state, isOurs, fill, currentCollateral: 40n })
  if (decision.do === 'resume') return `resume ${decision.at}`
  if (decision.do === 'find out') return 'find out'
  const { outcome } = decision
  const why = outcome.end === 'declined' ? ` ${outcome.why}` : ''
  const filled = 'filled' in outcome && outcome.filled ? ' when hosting' : ''
  return `${outcome.end}${why}${filled}`
}

describe('a slot that the chain names as ours (states: unknown)', () => {
  it.each([
    ['Filled', 'resume filled'],
    ['Finished', 'resume collecting'],
    ['Cancelled', 'resume collecting'],
    ['Failed', 'resume collecting'],
    ['Paid', 'paid'],
    ['Free', 'find out'],
    ['Repair', 'find out'],
  ] as const)('%s: %s, whatever our records say (T8)', (state, decision) => {
    for (const fill of FATES) expect(told(state, true, fill)).toBe(decision)
  })
})

describe('a slot that is not ours (states: unknown; free; repair)', () => {
  it.each([
    ['Free', 'resume reserving'],
    ['Filled', 'declined filled by another host'],
    ['Finished', 'declined slot not free'],
    ['Failed', 'failed'],
    ['Paid', 'declined slot not free'],
    ['Cancelled', 'cancelled'],
    ['Repair', 'resume reserving'],
  ] as const)('%s: %s, or looked into when our fill had landed', (state, neverSent) => {
    expect(told(state, false, 'never sent')).toBe(neverSent)
    expect(told(state, false, 'landed')).toBe('find out')
  })

  it.each(SLOT_STATES)('%s: releases nothing while the fate of a fill is open', (state) => {
    expect(told(state, false, 'in flight')).toBe('resume filling')
    expect(told(state, false, 'unknown')).toBe('find out')
  })
})

it('has a row for every state', () => {
  expect(Object.keys(RESTART_TABLE).sort()).toEqual([...SLOT_STATES].sort())
})

it('returns the collateral that the chain paid when the payout itself was missed (T9)', () => {
  const decision = decideAtStart({ state: 'Paid', isOurs: true, fill: 'landed', currentCollateral: 40n })
  expect(decision.do === 'settle' && settle(decision.outcome)).toEqual({ ends: true, collateral: 40n, again: false })
})
