// The number of a slot from the command line. Whether there is such a slot is the node's business.

import { CodexError } from '../lib/errors.ts'

/** @throws CodexError `cli/bad-value` */
export function readIndex(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new CodexError(
    'cli/bad-value',
    `expected the number of a slot, from 0 on, found ${JSON.stringify(text.slice(0, 80))}`,
    {
      detail: { found: text.slice(0, 80) },
    },
  )
}
