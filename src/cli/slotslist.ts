// slots list: the datasets of this store that have slots.

import { formatBytes } from '../lib/format.ts'
import type { SlotsRow } from '../rest/slotsdesk.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

const HEADER = ['CID', 'SLOTS', 'WHOLE', 'SLOT SIZE', 'NAME']
/** SLOTS, WHOLE and SLOT SIZE. */
const NUMBERS = [1, 2, 3]

export const slotsList = defineVerb({
  about: `Lists every dataset in the store that is cut into slots, how many of them, and of how many all blocks are here.
The size of a slot is the one a storage request has, with what it is padded by.`,
  options: {},
  examples: ['codex-light slots list'],
  document: '{ datasets: [{ cid, nodes, tolerance, slotSize (bytes), wholeSlots, filename or null }] }',
  async run(_, call) {
    const datasets: SlotsRow[] = []
    await withAccess(call, 'look', (node) =>
      call.terminal.progress({ label: 'listing' }, async () => {
        for await (const row of node.slots.list({ signal: call.signal })) datasets.push(row)
      }),
    )
    const rows = datasets.map(({ cid, nodes, wholeSlots, slotSize, filename }) => [
      cid,
      String(nodes),
      String(wholeSlots),
      formatBytes(slotSize),
      filename ?? '-',
    ])
    await call.terminal.answer({ datasets }, table([HEADER, ...rows], NUMBERS))
    return undefined
  },
})
