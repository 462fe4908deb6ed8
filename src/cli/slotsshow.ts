// slots show CID: the slots of one dataset, how much of each is here, and their roots.

import { toHex } from '../lib/bytes.ts'
import { formatBytes } from '../lib/format.ts'
import { barOf } from './progress.ts'
import { readCid } from './readcid.ts'
import type { SlotsEntry } from './reportslots.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withNode } from './withnode.ts'

const BAR_CELLS = 20
const SHOWN_ROOT_DIGITS = 12

export const slotsShow = defineVerb({
  operands: { text: 'CID', min: 1, max: 1 },
  about:
    'Shows each slot of the dataset CID: data or parity, how many of its blocks are here, whether proofs can be made of it, its root.',
  options: {},
  document: `{ cid, nodes, tolerance, slotSize (bytes), datasetRoot (decimal), merkleRoot (0x-hex, as a storage request has it),
  slots: [{ index, kind: "data" | "parity", blocks, presentBlocks, hasTree, root (decimal) }] }`,
  async run(_, call) {
    const cid = readCid(call.operands[0] ?? '')
    const entry = await withNode(call, 'look', (node) => node.slots.show(cid, { signal: call.signal }))
    await call.terminal.answer(documentOf(entry), textOf(entry))
    return undefined
  },
})

function documentOf(entry: SlotsEntry): object {
  const { cid, manifest, datasetRoot, slotBytes, slots } = entry
  return {
    cid: String(cid),
    nodes: slots.length,
    tolerance: manifest.ecM,
    slotSize: slotBytes,
    datasetRoot: String(datasetRoot),
    merkleRoot: `0x${toHex(manifest.verifyRoot.digest)}`,
    slots: slots.map(({ index, root, blocks, presentBlocks, hasTree }) => ({
      index,
      kind: kindOf(entry, index),
      blocks,
      presentBlocks,
      hasTree,
      root: String(root),
    })),
  }
}

function textOf(entry: SlotsEntry): string {
  const { manifest, slotBytes, slots } = entry
  const rows = slots.map((slot) => rowOf(slot, kindOf(entry, slot.index)))
  const head = `${slots.length} slots of ${formatBytes(slotBytes)}, any ${manifest.ecM} of which may be lost`
  return `${head}\n${table(rows, [0])}`
}

function rowOf({ index, root, blocks, presentBlocks, hasTree }: SlotsEntry['slots'][number], kind: string): string[] {
  const bar = barOf(blocks === 0 ? 1 : presentBlocks / blocks, BAR_CELLS)
  const digits = root.toString(16).padStart(64, '0').slice(0, SHOWN_ROOT_DIGITS)
  return [String(index), kind, bar, `${presentBlocks} of ${blocks}`, hasTree ? 'provable' : 'no tree', `0x${digits}…`]
}

function kindOf({ manifest }: SlotsEntry, index: number): 'data' | 'parity' {
  return index < manifest.ecK ? 'data' : 'parity'
}
