import { expect, test } from 'vitest'
import * as slotsEntry from '../../src/entries/slots.nodejs.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { hostileSlotsSuite } from '../suites/hostileslots.ts'
import { slotsEntrySuite } from '../suites/slotsentry.ts'

test('switches relaxed SIMD on', async () => {
  await slotsEntry.createPoseidon2()
  expect((await loadPoseidon2()).variant).toBe('relaxed-simd')
})

slotsEntrySuite('slots.nodejs', slotsEntry)
hostileSlotsSuite('slots.nodejs', slotsEntry)
