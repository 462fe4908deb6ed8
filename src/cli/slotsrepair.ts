// slots repair CID [INDEX]: computes the lost blocks of a slot from those of others.

import { formatCount } from '../lib/format.ts'
import { readCid } from './readcid.ts'
import { readIndex } from './readindex.ts'
import { reportSlots } from './reportslots.ts'
import { STORING_SETTINGS } from './settings.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

export const slotsRepair = defineVerb({
  operands: { text: 'CID [INDEX]', min: 1, max: 2 },
  about: `Rebuilds what is missing of slot INDEX, or of every slot without it, from the blocks of the other slots: of each row as many
blocks must be here as the dataset has data slots. Every block is checked before it is kept.`,
  options: {},
  settings: STORING_SETTINGS,
  examples: ['codex-light slots repair CID 2'],
  document: '{ cid, slots: [{ index, blocks (in the slot), rebuiltBlocks }] }',
  async run(_, call) {
    const [first = '', second] = call.operands
    const cid = readCid(first)
    const wanted = second === undefined ? undefined : readIndex(second)
    const { slots } = await withAccess(call, 'change', (node) =>
      reportSlots(call, (job) => node.slots.repair(cid, wanted, job)),
    )
    const rows = slots.map(({ index, blocks, rebuiltBlocks }) => [
      `slot ${index}`,
      rebuiltBlocks === 0 ? 'was whole' : `rebuilt ${formatCount(rebuiltBlocks, 'block')} of ${blocks}`,
    ])
    await call.terminal.answer({ cid: String(cid), slots }, table(rows))
    return undefined
  },
})
