// availability list: what is for sale.

import { askNode } from './asknode.ts'
import { AVAILABILITY_DOCUMENT, AVAILABILITY_HEAD, type AvailabilityFacts, availabilityRow } from './availability.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const availabilityList = defineVerb({
  about: 'Lists what the running node offers for sale, and how much of it is free.',
  options: {},
  examples: ['codex-light availability list'],
  document: `{ availabilities: [{ ${AVAILABILITY_DOCUMENT} }] }`,
  async run(_, call) {
    const availabilities = await askNode<AvailabilityFacts[]>(call, 'GET', 'availability')
    await call.terminal.answer({ availabilities }, table([AVAILABILITY_HEAD, ...availabilities.map(availabilityRow)]))
    return undefined
  },
})
