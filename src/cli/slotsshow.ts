// slots show CID: the slots of one dataset, how much of each is here, and their roots.

import { formatBytes } from '../lib/format.ts'
import { barOf } from './progress.ts'
import { readCid } from './readcid.ts'
import type { ShownDocument, ShownSlot } from '../rest/slotsdesk.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

const BAR_CELLS = 20
const SHOWN_ROOT_DIGITS = 12

export const slotsShow = defineVerb({
  operands: { text: 'CID', min: 1, max: 1 },
  about:
    'Shows each slot of the dataset CID: data or parity, how many of its blocks are here, whether proofs can be made of it, its root.',
  options: {},
  examples: ['codex-light slots show CID'],
  document: `{ cid, nodes, tolerance, slotSize (bytes), datasetRoot (decimal), merkleRoot (0x-hex, as a storage request has it),
  slots: [{ index, kind: "data" | "parity", blocks, presentBlocks, hasTree, root (decimal) }] }`,
  async run(_, call) {
    const cid = readCid(call.operands[0] ?? '')
    const shown = await withAccess(call, 'look', (node) => node.slots.show(cid, { signal: call.signal }))
    await call.terminal.answer({ ...shown }, textOf(shown))
    return undefined
  },
})

function textOf({ slots, slotSize, tolerance }: ShownDocument): string {
  const head = `${slots.length} slots of ${formatBytes(slotSize)}, any ${tolerance} of which may be lost`
  return `${head}\n${table(slots.map(rowOf), [0])}`
}

function rowOf({ index, kind, root, blocks, presentBlocks, hasTree }: ShownSlot): string[] {
  const bar = barOf(blocks === 0 ? 1 : presentBlocks / blocks, BAR_CELLS)
  const digits = BigInt(root).toString(16).padStart(64, '0').slice(0, SHOWN_ROOT_DIGITS)
  return [String(index), kind, bar, `${presentBlocks} of ${blocks}`, hasTree ? 'provable' : 'no tree', `0x${digits}…`]
}
