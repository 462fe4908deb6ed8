// protect CID: adds parity to a stored dataset and cuts it into slots that can be proven; answers the CID that a storage request names.

import { CodexError } from '../lib/errors.ts'
import { formatBytes } from '../lib/format.ts'
import { count } from './option.ts'
import { readCid } from './readcid.ts'
import { reportSlots } from './reportslots.ts'
import { STORING_SETTINGS } from './settings.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

/** As a storage request has them when it names none. */
const DEFAULT_NODES = 3
const DEFAULT_TOLERANCE = 1

export const protect = defineVerb({
  operands: { text: 'CID', min: 1, max: 1 },
  about: `Adds parity to the dataset CID and cuts it into slots, one for each node, so that any --tolerance of them may be lost. Then
hashes every slot into a tree whose root proofs are checked against. Prints the CID of the new manifest: what a storage request
names. The plain dataset stays as it is. A failed or interrupted run leaves nothing behind; what one that was killed outright left
goes at the next start.`,
  options: {
    nodes: count(`slots in all, ${DEFAULT_NODES} by default`),
    tolerance: count(`slots that may be lost, at most half of --nodes, ${DEFAULT_TOLERANCE} by default`),
  },
  settings: STORING_SETTINGS,
  examples: ['codex-light protect CID --nodes 5 --tolerance 2'],
  document: `{ cid, plainCid, protectedCid, nodes, tolerance, slotSize (bytes, as a storage request counts them),
  datasetRoot (decimal), merkleRoot (0x-hex, as a storage request has it), slotRoots: [decimal] }`,
  async run({ nodes = DEFAULT_NODES, tolerance = DEFAULT_TOLERANCE }, call) {
    const cid = readCid(call.operands[0] ?? '')
    if (2 * tolerance > nodes)
      throw new CodexError(
        'cli/bad-operands',
        `expected --tolerance of at most half of --nodes, found ${tolerance} of ${nodes}`,
      )
    const made = await withAccess(call, 'change', (node) =>
      reportSlots(call, (job) => node.slots.protect(cid, { nodes, tolerance }, job)),
    )
    await call.terminal.answer({ ...made }, made.cid)
    call.terminal.remark(`${nodes} slots of ${formatBytes(made.slotSize)}, any ${tolerance} of which may be lost`)
    return undefined
  },
})
