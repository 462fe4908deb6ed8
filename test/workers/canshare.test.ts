import { afterEach, expect, test, vi } from 'vitest'
import { canShare } from '../../src/workers/canshare.ts'

afterEach(() => void vi.unstubAllGlobals())

test('true here: in Node, and in a tab that is cross-origin isolated', () => {
  expect(canShare()).toBe(true)
})

test('false in a tab that is not isolated, whether or not the name is there', () => {
  vi.stubGlobal('crossOriginIsolated', false)
  expect(canShare()).toBe(false)
  vi.stubGlobal('SharedArrayBuffer', undefined)
  expect(canShare()).toBe(false)
})

test('false where an engine has no shared memory at all', () => {
  vi.stubGlobal('SharedArrayBuffer', undefined)
  expect(canShare()).toBe(false)
})
