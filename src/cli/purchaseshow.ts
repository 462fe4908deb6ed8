// purchase show ID: how one purchase stands.

import { CodexError } from '../lib/errors.ts'
import { askNode } from './asknode.ts'
import { PURCHASE_DOCUMENT, PURCHASE_HEAD, type PurchaseFacts, purchaseRow } from './purchase.ts'
import { table } from './table.ts'
import { type Call, defineVerb } from './verb.ts'

export const purchaseShow = defineVerb({
  operands: { text: 'ID', min: 1, max: 1 },
  about: 'Shows how a purchase of the running node stands. ID is that of the request, with or without 0x.',
  options: {},
  examples: ['codex-light purchase show ID'],
  document: `{ ${PURCHASE_DOCUMENT}, filled (slots that have a provider), endsAt (seconds since 1970); both null while the chain does not tell }`,
  async run(_, call) {
    const path = `purchases/${encodeURIComponent(call.operands[0] ?? '')}`
    const found = await askNode<PurchaseFacts>(call, 'GET', path)
    const { filled, endsAt } = await slotsOf(path, call)
    await call.terminal.answer({ ...found, filled, endsAt }, table([PURCHASE_HEAD, purchaseRow(found, filled)]))
    return undefined
  },
})

interface SlotsFacts {
  readonly filled: number | null
  readonly endsAt: number | null
}

/** Asked of the chain, which may be away: what is on record is told all the same. */
async function slotsOf(path: string, call: Call): Promise<SlotsFacts> {
  try {
    return await askNode<SlotsFacts>(call, 'GET', `${path}/slots`)
  } catch (error) {
    call.signal.throwIfAborted()
    if (!CodexError.is(error)) throw error
    return { filled: null, endsAt: null }
  }
}
