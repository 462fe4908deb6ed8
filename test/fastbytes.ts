// Before every test file: bytes are compared as bytes. The default walks them as lists of properties, which takes seconds for a mebibyte.

import { expect } from 'vitest'

expect.addEqualityTesters([
  (left: unknown, right: unknown): boolean | undefined => {
    if (!(left instanceof Uint8Array) || !(right instanceof Uint8Array)) return undefined
    // Equal bytes are equal; of different ones the default makes a report.
    if (left.constructor !== right.constructor || left.length !== right.length) return undefined
    for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return undefined
    return true
  },
])
