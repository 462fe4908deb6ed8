// slots verify CID [INDEX]: hashes slots again and compares them with the manifest. It changes nothing.

import { formatCount } from '../lib/format.ts'
import { EXIT } from './exitcodes.ts'
import { readCid } from './readcid.ts'
import { readIndex } from './readindex.ts'
import { reportSlots } from './reportslots.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'
import type { VerifiedDocument } from '../rest/slotsdesk.ts'

type SlotReport = VerifiedDocument['slots'][number]

export const slotsVerify = defineVerb({
  operands: { text: 'CID [INDEX]', min: 1, max: 2 },
  about: `Reads every block of slot INDEX, or of all slots without it, hashes it again and compares the root with the manifest.
A slot that is not whole or does not match is named, and the command fails. Nothing is changed; \`slots repair\` mends.`,
  options: {},
  examples: ['codex-light slots verify CID', 'codex-light slots verify CID 2'],
  document: `{ cid, slots: [{ index, outcome: "ok" | "blocks missing" | "blocks damaged" | "wrong root", blocks, missingBlocks,
  missing: [place in the slot] (the first ones), damagedBlocks, damaged: [place], hasTree }] }`,
  async run(_, call) {
    const [first = '', second] = call.operands
    const cid = readCid(first)
    const index = second === undefined ? undefined : readIndex(second)
    const { slots } = await withAccess(call, 'look', (node) =>
      reportSlots(call, (job) => node.slots.verify(cid, index, job)),
    )
    await call.terminal.answer({ cid: String(cid), slots }, table(slots.map(row)))
    return slots.every(({ outcome }) => outcome === 'ok') ? undefined : EXIT.failed
  },
})

function row({ index, outcome, blocks, missingBlocks, damagedBlocks, hasTree }: SlotReport): string[] {
  const parts = [
    missingBlocks === 0 ? '' : `${missingBlocks} of ${formatCount(blocks, 'block')} missing`,
    damagedBlocks === 0 ? '' : `${formatCount(damagedBlocks, 'block')} damaged`,
    hasTree ? '' : 'no tree for proofs: run `codex-light slots build`',
  ]
  return [`slot ${index}`, outcome, parts.filter((part) => part !== '').join(', ')]
}
