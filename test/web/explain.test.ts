import { expect, test } from 'vitest'

import { CodexError } from '../../src/lib/errors.ts'
import { explain, withoutReverts } from '../../web/explain.ts'

test('known errors have a sentence of their own, also beneath others', () => {
  const beneath = new CodexError('slab/failed', 'x', { cause: new CodexError('worker/ended', 'y') })
  expect(explain(beneath)).toMatch(/^The part of this tab that writes to disk has stopped: reload the page; .+\.$/)
  expect(explain(new CodexError('slab/full', 'x'))).toBe(explain(new CodexError('datastore/full', 'y')))
  expect(explain(new DOMException('gone', 'NotReadableError'))).toBe(
    'The file changed or went away while it was read: choose it again.',
  )
})

test('others speak for themselves, as one sentence of bounded length', () => {
  expect(explain(new CodexError('any/thing', 'expected a, found b; do c'))).toBe('Expected a, found b; do c.')
  expect(explain(new TypeError('odd'))).toBe(
    'Something unexpected happened, TypeError: odd; reload the page and try again.',
  )
  for (const thrown of [undefined, null, 'text', { message: 1 }]) expect(explain(thrown)).toMatch(/^Something .+\.$/)
  expect(explain(new CodexError('any/thing', 'x'.repeat(10_000))).length).toBeLessThan(500)
})

test('what a contract or an endpoint said in its own words is left to the logs', () => {
  const refused = 'fillSlot: the slot is filled (Marketplace_SlotNotFree: 0x12, 3); take another slot'
  expect(explain(new CodexError('market/slot-state-mismatch', refused))).toBe(
    'FillSlot: the slot is filled; take another slot.',
  )
  const raw = 'call: the contract refused: execution reverted: custom error 0xdead; see the reason it gave'
  expect(explain(new CodexError('market/reverted', raw))).toMatch(/^The contract refused that: /)
  expect(withoutReverts(raw)).toBe('call: the contract refused')
  expect(withoutReverts('the endpoint refused eth_call: VM Exception; 0xbeef')).toBe('the endpoint refused it')
  expect(withoutReverts('it has 5 (of 7) left')).toBe('it has 5 (of 7) left')
})
