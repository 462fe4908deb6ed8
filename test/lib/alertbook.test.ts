// The alerts of a node: bounded, and each marked once its cause is over.

import { expect, it } from 'vitest'
import { AlertBook } from '../../src/lib/alertbook.ts'

const raised = (code: string) => ({ code, cause: 'c', atStake: undefined, action: 'a' })

it('keeps the latest, and says since when the cause of one is over', () => {
  const book = new AlertBook(3)
  book.raise(raised('a'), 1)
  book.raise(raised('b'), 2)
  expect(book.over('a', 5)).toEqual([{ ...raised('a'), at: 1, over: 5 }])
  expect(book.over('none', 5)).toEqual([])
  expect(book.all.map(({ code, at, over }) => [code, at, over])).toEqual([
    ['b', 2, undefined],
    ['a', 1, 5],
  ])
  // It came back: what was over before stays so.
  book.raise(raised('a'), 7)
  expect(book.over('a', 9).map(({ at }) => at)).toEqual([7])
  expect(book.all.map(({ over }) => over)).toEqual([9, undefined, 5])
  book.raise(raised('c'), 10)
  expect(book.all.map(({ code }) => code)).toEqual(['c', 'a', 'b'])
})
