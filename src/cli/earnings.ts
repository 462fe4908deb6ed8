// earnings: what slots have brought in, what they cost, and what is at stake.

import { askNode } from './asknode.ts'
import { instantText, tokenText } from './marketunits.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

interface EarningsFacts {
  readonly total: string
  readonly lost: string
  readonly committed: string
  readonly slots: readonly {
    readonly at: number
    readonly requestId: string
    readonly slotIndex: number
    readonly end: string
    readonly reward: string
    readonly lostCollateral: string
  }[]
}

export const earnings = defineVerb({
  about: `Shows what slots of the running node that have ended brought in, over restarts, what collateral was lost with them, and what is
committed to slots that go on.`,
  options: {},
  examples: ['codex-light earnings'],
  document: `{ total, lost, committed, slots: [{ at (seconds since 1970), requestId, slotIndex, end ("paid" | "cancelled" | "failed" | "freed"),
reward, lostCollateral }] }; amounts are decimal strings of base units`,
  async run(_, call) {
    const found = await askNode<EarningsFacts>(call, 'GET', 'earnings')
    const rows = found.slots.map(({ at, requestId, slotIndex, end, reward, lostCollateral }) => [
      instantText(at),
      `${requestId} ${slotIndex}`,
      end,
      tokenText(BigInt(reward)),
      lostCollateral === '0' ? '' : `lost ${tokenText(BigInt(lostCollateral))}`,
    ])
    const sums = [
      ['earned', '', '', tokenText(BigInt(found.total)), ''],
      ['lost', '', '', tokenText(BigInt(found.lost)), ''],
      ['committed', '', '', tokenText(BigInt(found.committed)), ''],
    ]
    await call.terminal.answer(found, table([...rows, ...sums]))
    return undefined
  },
})
