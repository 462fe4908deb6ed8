// purchase withdraw ID: takes back what is left of a purchase that is over.

import { askNode } from './asknode.ts'
import { PURCHASE_DOCUMENT, PURCHASE_HEAD, type PurchaseFacts, purchaseRow } from './purchase.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const purchaseWithdraw = defineVerb({
  operands: { text: 'ID', min: 1, max: 1 },
  about: `Takes back what is left of a request of the running node's key that is over, whether it is on record here or not. ID is that of the
request, with or without 0x. A node that buys does so by itself for every purchase that it knows.`,
  options: {},
  examples: ['codex-light purchase withdraw ID'],
  document: `{ ${PURCHASE_DOCUMENT} }`,
  async run(_, call) {
    const path = `purchases/${encodeURIComponent(call.operands[0] ?? '')}/withdraw`
    const found = await askNode<PurchaseFacts>(call, 'POST', path)
    await call.terminal.answer({ ...found }, table([PURCHASE_HEAD, purchaseRow(found)]))
    return undefined
  },
})
