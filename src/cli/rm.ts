// rm CID...: removes datasets, or blocks that nothing refers to.

import { CodexError } from '../lib/errors.ts'
import { EXIT } from './exitcodes.ts'
import { readCid } from './readcid.ts'
import { STORING_SETTINGS } from './settings.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

export const rm = defineVerb({
  operands: { text: 'CID...', min: 1, max: Infinity },
  about: `Removes each dataset with every block that no other dataset needs, or the one block that CID names.
What is not there is fine. A block that a dataset needs stays, and so does a dataset of which a slot is sold, or for which a
purchase goes on; the exit code then says refused.`,
  options: {},
  settings: STORING_SETTINGS,
  examples: ['codex-light rm CID'],
  document: '{ cids: [{ cid, outcome: "removed" | "absent" | "in use" }] }',
  async run(_, call) {
    const { terminal, signal } = call
    // All of them before the first is removed: half a command must not happen for want of a letter.
    const cids = call.operands.map(readCid)
    const done = await withAccess(call, 'change', (node) =>
      terminal.progress({ label: 'removing' }, async () => {
        const outcomes: { cid: string; outcome: 'removed' | 'absent' | 'in use' }[] = []
        for (const cid of cids) {
          signal.throwIfAborted()
          const outcome = await node.remove(cid, { signal }).catch((error: unknown) => {
            if (!CodexError.is(error, 'dataset/sold') && !CodexError.is(error, 'dataset/bought')) throw error
            terminal.say(`codex-light: ${error.message}`)
            return 'in use' as const
          })
          outcomes.push({ cid: String(cid), outcome })
        }
        return outcomes
      }),
    )
    await terminal.answer({ cids: done }, table(done.map(({ cid, outcome }) => [cid, outcome])))
    return done.some(({ outcome }) => outcome === 'in use') ? EXIT.refused : undefined
  },
})
