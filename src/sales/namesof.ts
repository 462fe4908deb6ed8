// Slots as an alert names them: the first few, and how many more.

import type { Slot } from '../market/market.ts'

const MAX_NAMED = 3

export function namesOf(slots: readonly Slot[]): string {
  const names = slots
    .slice(0, MAX_NAMED)
    .map(({ slotIndex, requestId }) => `slot ${slotIndex} of ${requestId.slice(0, 10)}…`)
  const more = slots.length - names.length
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
