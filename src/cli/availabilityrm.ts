// availability rm ID...: withdraws what is for sale.

import { askNode } from './asknode.ts'
import { defineVerb } from './verb.ts'

export const availabilityRm = defineVerb({
  operands: { text: 'ID...', min: 1, max: 1000 },
  about: `Withdraws availabilities of the running node that no slot has taken from; their bytes are free again. One that holds slots is disabled instead, with
availability set --enabled false, and withdrawn when they have ended.`,
  options: {},
  examples: ['codex-light availability rm ID'],
  document: '{ removed: [id] }',
  async run(_, call) {
    const removed: string[] = []
    for (const id of call.operands) {
      await askNode<undefined>(call, 'DELETE', `availability/${encodeURIComponent(id)}`)
      removed.push(id)
    }
    await call.terminal.answer({ removed }, removed.join('\n'))
    return undefined
  },
})
