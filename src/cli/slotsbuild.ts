// slots build CID [INDEX]: makes the slot trees that are missing, of all slots or of one, each compared with the manifest.

import { readCid } from './readcid.ts'
import { readIndex } from './readindex.ts'
import { reportSlots } from './reportslots.ts'
import { STORING_SETTINGS } from './settings.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

export const slotsBuild = defineVerb({
  operands: { text: 'CID [INDEX]', min: 1, max: 2 },
  about: `Hashes the slots of a protected dataset and prints the CID of its verifiable manifest. Of a dataset that is verifiable already
it makes the slot trees that are missing, each compared with the manifest; slots whose tree is there are not read again: that is what
\`slots verify\` does. With INDEX it hashes that one slot and compares it, for which the other slots need not be here.`,
  options: {},
  settings: STORING_SETTINGS,
  examples: ['codex-light slots build CID', 'codex-light slots build CID 2'],
  document: `{ cid, slots: [{ index, root (decimal) }], datasetRoot (decimal), merkleRoot (0x-hex, as a storage request has it) };
with INDEX slots has that one and the last two are left out`,
  async run(_, call) {
    const [first = '', second] = call.operands
    const cid = readCid(first)
    const index = second === undefined ? undefined : readIndex(second)
    const answer = await withAccess(call, 'change', (node) =>
      reportSlots(call, (job) => node.slots.build(cid, index, job)),
    )
    await call.terminal.answer({ ...answer }, answer.cid)
    return undefined
  },
})
