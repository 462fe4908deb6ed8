// slots list: the datasets of this store that have slots.

import { formatBytes } from '../lib/format.ts'
import type { SlotsEntry } from './reportslots.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withNode } from './withnode.ts'

const HEADER = ['CID', 'SLOTS', 'WHOLE', 'SLOT SIZE', 'NAME']
/** SLOTS, WHOLE and SLOT SIZE. */
const NUMBERS = [1, 2, 3]

export const slotsList = defineVerb({
  about: `Lists every dataset in the store that is cut into slots, how many of them, and of how many all blocks are here.
The size of a slot is the one a storage request has, with what it is padded by.`,
  options: {},
  document: '{ datasets: [{ cid, nodes, tolerance, slotSize (bytes), wholeSlots, filename or null }] }',
  async run(_, call) {
    const found: SlotsEntry[] = []
    await withNode(call, 'look', (node) =>
      call.terminal.progress({ label: 'listing' }, async () => {
        for await (const entry of node.slots.list({ signal: call.signal })) found.push(entry)
      }),
    )
    await call.terminal.answer(
      { datasets: found.map(documentOf) },
      table(
        [
          HEADER,
          ...found.map((entry) => [
            String(entry.cid),
            String(entry.slots.length),
            String(wholeSlots(entry)),
            formatBytes(entry.slotBytes),
            entry.manifest.filename ?? '-',
          ]),
        ],
        NUMBERS,
      ),
    )
    return undefined
  },
})

function documentOf(entry: SlotsEntry): object {
  const { cid, manifest, slots, slotBytes } = entry
  return {
    cid: String(cid),
    nodes: slots.length,
    tolerance: manifest.ecM,
    slotSize: slotBytes,
    wholeSlots: wholeSlots(entry),
    filename: manifest.filename ?? null,
  }
}

function wholeSlots({ slots }: SlotsEntry): number {
  return slots.filter(({ presentBlocks, blocks }) => presentBlocks === blocks).length
}
