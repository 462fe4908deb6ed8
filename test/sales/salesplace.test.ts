import { expect, it } from 'vitest'
import { bindSalesPlace, readSalesPlace, type SalesPlace } from '../../src/sales/salesplace.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'

const PLACE: SalesPlace = {
  chainId: 167_008,
  genesis: `0x${'a1'.repeat(32)}`,
  marketplace: `0x${'0b'.repeat(20)}`,
  host: `0x${'0c'.repeat(20)}`,
}
const OTHERS: Record<string, Partial<SalesPlace>> = {
  'another key': { host: `0x${'0d'.repeat(20)}` },
  'another contract': { marketplace: `0x${'0d'.repeat(20)}` },
  'another chain': { chainId: 1 },
  'another chain of the same id': { genesis: `0x${'a2'.repeat(32)}` },
}

it.each(Object.entries(OTHERS))('holds slots for where they were sold: not for %s', async (_, change) => {
  const datastore = new MemoryDatastore()
  const other = { ...PLACE, ...change }
  await bindSalesPlace(datastore, PLACE, 0)
  const refused = bindSalesPlace(datastore, other, 2)
  await expect(refused).rejects.toMatchObject({ code: 'sales/other-place', detail: { slots: 2, ...PLACE } })
  await expect(refused).rejects.toThrow(`2 slots of ${PLACE.host} on chain 167008 at marketplace ${PLACE.marketplace}`)
  await bindSalesPlace(datastore, PLACE, 2)
  // With nothing left to prove it may go anywhere.
  await bindSalesPlace(datastore, other, 0)
  expect(await readSalesPlace(datastore)).toEqual(other)
})

it('does not mind how addresses are spelt, nor an endpoint that does not tell the first block, and forgets nothing over it', async () => {
  const datastore = new MemoryDatastore()
  await bindSalesPlace(datastore, PLACE, 0)
  await bindSalesPlace(datastore, { ...PLACE, marketplace: PLACE.marketplace.toUpperCase(), genesis: undefined }, 1)
  await expect(bindSalesPlace(datastore, { ...PLACE, ...OTHERS['another chain of the same id'] }, 1)).rejects.toThrow()
})

it('goes on where a local chain began anew: that has forgotten all slots', async () => {
  const datastore = new MemoryDatastore()
  await bindSalesPlace(datastore, { ...PLACE, chainId: 31_337 }, 0)
  const anew = { ...PLACE, chainId: 31_337, genesis: `0x${'a2'.repeat(32)}`, host: `0x${'0d'.repeat(20)}` }
  await bindSalesPlace(datastore, anew, 3)
  expect(await readSalesPlace(datastore)).toEqual(anew)
})
