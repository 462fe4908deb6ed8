// purchase show ID: how one purchase stands.

import { askNode } from './asknode.ts'
import { PURCHASE_DOCUMENT, PURCHASE_HEAD, type PurchaseFacts, purchaseRow } from './purchase.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const purchaseShow = defineVerb({
  operands: { text: 'ID', min: 1, max: 1 },
  about: 'Shows how a purchase of the running node stands. ID is that of the request, with or without 0x.',
  options: {},
  document: `{ ${PURCHASE_DOCUMENT} }`,
  async run(_, call) {
    const path = `purchases/${encodeURIComponent(call.operands[0] ?? '')}`
    const found = await askNode<PurchaseFacts>(call, 'GET', path)
    await call.terminal.answer(found, table([PURCHASE_HEAD, purchaseRow(found)]))
    return undefined
  },
})
