import { expect, test } from 'vitest'
import { isShared, lend } from '../../src/workers/lend.ts'
import { transferListOf } from '../../src/workers/transfer.ts'

const shared = new Uint8Array(new SharedArrayBuffer(64)).fill(7)
const own = new Uint8Array(64).fill(8)

test('tells shared memory from other', () => {
  expect([isShared(shared.buffer), isShared(own.buffer)]).toEqual([true, false])
})

test('passes views of shared memory on and copies the others into one buffer, which moves', () => {
  const parts = [own.subarray(1, 5), shared.subarray(2, 6), own.subarray(60)]
  const lent = lend(parts, true)
  expect(lent[1]).toBe(parts[1])
  expect(lent[0]?.buffer).toBe(lent[2]?.buffer)
  expect(lent[0]?.buffer).not.toBe(own.buffer)
  expect(lent.map((bytes) => [...bytes])).toEqual(parts.map((bytes) => [...bytes]))
  expect(transferListOf(lent)).toEqual([lent[0]?.buffer])
})

test('copies all where memory cannot be shared', () => {
  const lent = lend([shared.subarray(2, 6)], false)
  expect(isShared(lent[0]?.buffer ?? shared.buffer)).toBe(false)
  expect(lent).toEqual([new Uint8Array(4).fill(7)])
  expect(transferListOf(lent)).toHaveLength(1)
})

test('moves nothing where nothing was copied', () => {
  expect(transferListOf(lend([shared], true))).toEqual([])
  expect(lend([], true)).toEqual([])
})
