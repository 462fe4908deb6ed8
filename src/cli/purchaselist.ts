// purchase list: what the node has bought.

import { askNode } from './asknode.ts'
import { PURCHASE_DOCUMENT, PURCHASE_HEAD, type PurchaseFacts, purchaseRow } from './purchase.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const purchaseList = defineVerb({
  about: 'Lists what the running node has asked the market to store, and how each stands.',
  options: {},
  examples: ['codex-light purchase list'],
  document: `{ purchases: [{ ${PURCHASE_DOCUMENT} }] }`,
  async run(_, call) {
    const purchases = await askNode<PurchaseFacts[]>(call, 'GET', 'purchases')
    await call.terminal.answer({ purchases }, table([PURCHASE_HEAD, ...purchases.map(purchaseRow)]))
    return undefined
  },
})
