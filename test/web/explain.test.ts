import { expect, test } from 'vitest'

import { CodexError } from '../../src/lib/errors.ts'
import { explain } from '../../web/explain.ts'

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
