// Questions that several steps of a sale ask.

import { expect, it } from 'vitest'
import type { OpenIntent } from '../../src/market/market.ts'
import { slotId } from '../../src/protocol/ids.ts'
import { isInFlight } from '../../src/sales/salecontext.ts'
import { requestIdOf } from '../fakes/salesparts.ts'

const slot = { requestId: requestIdOf(1), slotIndex: 0 }
const id = slotId(slot.requestId, slot.slotIndex)

function isUnderWay(intent: Partial<OpenIntent>): boolean {
  const { requestId } = slot
  const open: OpenIntent = { verb: 'fillSlot', requestId, slotId: id, nonce: 1, hashes: [], ...intent }
  return isInFlight({ id, slot, market: { openIntents: () => [open] } as never })
}

it('a fill is under way when it is of this slot, not of another one of its request', () => {
  expect(isUnderWay({})).toBe(true)
  expect(isUnderWay({ requestId: undefined })).toBe(true)
  expect(isUnderWay({ slotId: slotId(slot.requestId, 1) })).toBe(false)
  expect(isUnderWay({ verb: 'reserveSlot' })).toBe(false)
})

it('one whose slot is not known is taken for one of this slot', () => {
  expect(isUnderWay({ slotId: undefined })).toBe(true)
  expect(isUnderWay({ slotId: undefined, requestId: requestIdOf(2) })).toBe(false)
})
