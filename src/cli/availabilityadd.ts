// availability add: offers space for sale.

import { CodexError } from '../lib/errors.ts'
import { formatBytes } from '../lib/format.ts'
import { askNode } from './asknode.ts'
import { AVAILABILITY_DOCUMENT, AVAILABILITY_HEAD, type AvailabilityFacts, availabilityRow } from './availability.ts'
import { instant, price, tokens } from './marketunits.ts'
import { duration, flag, required, size } from './option.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const availabilityAdd = defineVerb({
  about: `Offers space of the running node for sale: slots that fit are taken until it is full. Their bytes are set aside of the quota at once.
Collateral is committed to each slot while it is held, and comes back with the reward; proofs that are missed cost some of it.`,
  options: {
    size: required(size('what is offered')),
    duration: required(duration('the longest request to be taken')),
    'min-price': required(price('asked at least')),
    collateral: required(tokens('at stake at one time, at most')),
    until: instant('when every request must have ended'),
    disabled: flag('take nothing yet'),
  },
  examples: [
    'codex-light availability add --size 100GiB --duration 30d --min-price 10/GiB-month --collateral 100tokens',
  ],
  document: `{ ${AVAILABILITY_DOCUMENT} }`,
  async run(options, call) {
    const { size: totalSize, duration: longest, 'min-price': least, collateral, until, disabled } = options
    const made = await askNode<AvailabilityFacts>(call, 'POST', 'availability', {
      totalSize,
      duration: longest,
      minPricePerBytePerSecond: String(least),
      totalCollateral: String(collateral),
      enabled: disabled !== true,
      ...(until !== undefined && { until }),
    }).catch((error: unknown) => {
      throw withQuotaAdvice(error)
    })
    await call.terminal.answer(made, table([AVAILABILITY_HEAD, availabilityRow(made)]))
    return undefined
  },
})

/** Where the quota is what refused it, says how it is made larger. */
function withQuotaAdvice(error: unknown): unknown {
  if (!CodexError.is(error)) return error
  const { freeBytes } = error.detail
  const isQuota = error.code === 'reservations/reserve-failed' || error.code === 'rest/bad-terms'
  if (!isQuota || freeBytes === undefined) return error
  const free = formatBytes(Number(freeBytes))
  return new CodexError(
    error.code,
    `the quota of the running node has ${free} free; start it with a larger --storage-quota, or offer less`,
    { detail: error.detail, cause: error },
  )
}
