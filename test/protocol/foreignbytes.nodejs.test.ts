// Bytes that Node hands around and that are not our own Uint8Array: buffers, and arrays of another context.

import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { isBytes } from '../../src/lib/bytes.ts'
import { takesForeignBytes } from './foreignbytes.ts'

const Foreign = runInNewContext('Uint8Array') as Uint8ArrayConstructor
const ForeignSubclass = runInNewContext('(class Bytes extends Uint8Array {})') as Uint8ArrayConstructor

describe('the protocol', () => {
  it('takes a Buffer', () => {
    takesForeignBytes((bytes) => Buffer.from(bytes))
  })

  it('takes arrays of another context', () => {
    const sample = new Foreign(3)
    expect(sample instanceof Uint8Array).toBe(false)
    expect(isBytes(sample)).toBe(true)
    takesForeignBytes((bytes) => new Foreign(bytes))
  })

  it('takes a subclass of another context, at an offset in its memory', () => {
    takesForeignBytes((bytes) => {
      const room = new ForeignSubclass(bytes.length + 5)
      room.set(bytes, 3)
      return room.subarray(3, 3 + bytes.length)
    })
  })
})
