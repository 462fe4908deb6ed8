// What a repair did, in one sentence for the person in front of the page.

import { formatCount } from '../src/lib/format.ts'

/** Files named at most; how many more there are is said. */
const MAX_NAMED = 5

/** @param names of the files that can no longer be saved in full */
export function repairSentence(lostBlocks: number, names: readonly string[]): string {
  const lost = lostBlocks === 0 ? 'no block was lost' : `${formatCount(lostBlocks, 'block')} lost`
  const named = names.slice(0, MAX_NAMED).join(', ')
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : ''
  const next = names.length === 0 ? 'every file is whole' : `store again or remove: ${named}${more}`
  return `Repaired, the books are right again; ${lost}, ${next}.`
}
