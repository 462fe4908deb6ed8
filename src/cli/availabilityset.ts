// availability set ID: changes what is asked for space that is for sale.

import { CodexError } from '../lib/errors.ts'
import { askNode } from './asknode.ts'
import { AVAILABILITY_DOCUMENT, AVAILABILITY_HEAD, type AvailabilityFacts, availabilityRow } from './availability.ts'
import { instant, price, tokens } from './marketunits.ts'
import { choice, duration, size } from './option.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const availabilitySet = defineVerb({
  operands: { text: 'ID', min: 1, max: 1 },
  about: `Changes terms of an availability of the running node; what is not named stays. Slots that were taken keep their terms, so it cannot become smaller than they
are, nor end before them.`,
  options: {
    size: size('what is offered'),
    duration: duration('the longest request to be taken'),
    'min-price': price('asked at least'),
    collateral: tokens('at stake at one time, at most'),
    until: instant('when every request must have ended'),
    enabled: choice(['true', 'false'], 'whether it takes further requests'),
  },
  examples: [
    'codex-light availability set ID --min-price 12/GiB-month',
    'codex-light availability set ID --enabled false',
  ],
  document: `{ ${AVAILABILITY_DOCUMENT} }`,
  async run(options, call) {
    const { size: totalSize, duration: longest, 'min-price': least, collateral, until, enabled } = options
    const changes = {
      ...(totalSize !== undefined && { totalSize }),
      ...(longest !== undefined && { duration: longest }),
      ...(least !== undefined && { minPricePerBytePerSecond: String(least) }),
      ...(collateral !== undefined && { totalCollateral: String(collateral) }),
      ...(until !== undefined && { until }),
      ...(enabled !== undefined && { enabled: enabled === 'true' }),
    }
    if (Object.keys(changes).length === 0)
      throw new CodexError('cli/bad-option', 'expected at least one term to change')
    const path = `availability/${encodeURIComponent(call.operands[0] ?? '')}`
    const changed = await askNode<AvailabilityFacts>(call, 'PATCH', path, changes)
    await call.terminal.answer(changed, table([AVAILABILITY_HEAD, availabilityRow(changed)]))
    return undefined
  },
})
