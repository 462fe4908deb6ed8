// Bytes that a frame hands to its page.

import { expect, it } from 'vitest'
import { isBytes } from '../../src/lib/bytes.ts'
import { takesForeignBytes } from './foreignbytes.ts'

it('the protocol takes arrays of another frame', () => {
  const frame = document.createElement('iframe')
  document.body.append(frame)
  try {
    const { Uint8Array: Foreign } = frame.contentWindow as unknown as typeof globalThis
    expect(new Foreign(3) instanceof Uint8Array).toBe(false)
    expect(isBytes(new Foreign(3))).toBe(true)
    takesForeignBytes((bytes) => new Foreign(bytes))
  } finally {
    frame.remove()
  }
})
