// proof-input CID INDEX: what the circuit needs to prove a slot for one challenge, as JSON.

import { CodexError } from '../lib/errors.ts'
import { required, text } from './option.ts'
import { readCid } from './readcid.ts'
import { readIndex } from './readindex.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

const INDENT = 2

export const proofInput = defineVerb({
  operands: { text: 'CID INDEX', min: 2, max: 2 },
  about: `Prints the input of the proving circuit for slot INDEX of the dataset CID and a challenge of the contract: the cells that
the challenge picks, with their paths to the root of the dataset. Reads at most five blocks.`,
  options: { challenge: required(text('0xHEX', '32 bytes, as the contract gives them for the period')) },
  examples: [
    'codex-light proof-input CID 2 --challenge 0x1212121212121212121212121212121212121212121212121212121212121212',
  ],
  document: `{ entropy, dataSetRoot, slotRoot (decimal), slotIndex, nCellsPerSlot, nSlotsPerDataSet (numbers), slotProof: [decimal],
  cellData: [[decimal]], merklePaths: [[decimal]] }; the same without --json, indented`,
  async run({ challenge }, call) {
    const [first = '', second = ''] = call.operands
    const [cid, index] = [readCid(first), readIndex(second)]
    if (!/^0x[0-9a-fA-F]{64}$/.test(challenge))
      throw new CodexError('cli/bad-value', '--challenge: expected 0x and 64 hex digits', {
        detail: { from: '--challenge' },
      })
    const { signal, terminal } = call
    const answer = await withAccess(call, 'look', (node) => node.slots.proofInput(cid, index, challenge, { signal }))
    await terminal.answer({ ...answer }, JSON.stringify(answer, undefined, INDENT))
    return undefined
  },
})
