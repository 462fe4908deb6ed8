import { expect, test } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { ErrorDetail } from '../../src/lib/errors.ts'
import { MAX_CAUSE_DEPTH, MAX_STACK_LENGTH, packError, unpackError } from '../../src/workers/envelope.ts'

const cross = (error: unknown): CodexError => unpackError(structuredClone(packError(error)))

test('an error that causes itself still crosses, with a bounded chain', () => {
  const error = new CodexError('a/b', 'round')
  Object.assign(error, { cause: error })
  let depth = 0
  for (let at: unknown = cross(error); at instanceof Error; at = at.cause) depth++
  expect(depth).toBe(MAX_CAUSE_DEPTH + 1)
})

test('a detail that breaks its type crosses as text', () => {
  const detail = { size: 5n, wrong: () => 1, evil: Object.create(null) as unknown } as unknown as ErrorDetail
  expect(cross(new CodexError('a/b', 'm', { detail })).detail).toEqual({
    size: 5n,
    wrong: '() => 1',
    evil: 'a value without text',
  })
})

test.each([
  ['text', 'text'],
  [undefined, 'undefined'],
  [null, 'null'],
  [7n, '7'],
])('thrown %s is no error but arrives as one', (thrown, text) => {
  const error = cross(thrown)
  expect(error.code).toBe('worker/failed')
  expect(error.message).toContain(text)
})

test('a stack is cut, not carried whole', () => {
  const error = new Error('deep')
  error.stack = 'x'.repeat(3 * MAX_STACK_LENGTH)
  expect(packError(error).stack).toHaveLength(MAX_STACK_LENGTH)
})
