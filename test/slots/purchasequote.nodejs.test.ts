// What a purchase is said to cost is what its request will cost, of files that are protected and of those that are not.

import { expect, test } from 'vitest'

import { buildDataset } from '../../src/entries/slots.nodejs.ts'
import { slotGeometry } from '../../src/slots/slotgeometry.ts'
import { quote } from '../../src/protocol/purchasequote.ts'

const TERMS = { duration: 3600, pricePerBytePerSecond: 7n, collateralPerByte: 3n }

test('the quote is what the slots take, to the unit', async () => {
  for (const [bytes, ecK, ecM] of [
    [65_537, 2, 1],
    [65_536 * 3 + 1, 2, 1],
    [65_536 * 5, 3, 2],
  ] as const) {
    const { plain, verifiable } = await buildDataset(new Uint8Array(bytes).fill(7), { ecK, ecM })
    const { slotCount, slotBytes } = slotGeometry(verifiable)
    const all = BigInt(slotCount * slotBytes)
    const expected = { slots: slotCount, slotBytes, price: all * 3600n * 7n, collateral: all * 3n }
    expect(quote(plain, { ...TERMS, nodes: ecK + ecM, tolerance: ecM })).toEqual(expected)
    // Of no effect any more.
    expect(quote(verifiable, { ...TERMS, nodes: 9, tolerance: 2 })).toEqual(expected)
  }
})

test('numbers that make no slots have no price', async () => {
  const { plain } = await buildDataset(new Uint8Array(65_537), { ecK: 2, ecM: 1 })
  for (const [nodes, tolerance] of [
    [3, 3],
    [3, 2],
    [2, 1],
    [9, 1],
    [3, 0],
    [0, 0],
  ] as const)
    expect(quote(plain, { ...TERMS, nodes, tolerance })).toBeUndefined()
})
