// Which validator looks after which slot, where several share the work (marketplace reference §7.2). It holds no slots.

import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import type { SlotId } from '../protocol/request.ts'

export const MIN_GROUPS = 2
export const MAX_GROUPS = 65_535

/** One of several groups of slots. */
export interface ValidationGroup {
  readonly groups: number
  readonly groupIndex: number
}

/** Hex digits of the part of a slot's id that decides: the first 8 bytes, big-endian. */
const DECIDING_DIGITS = 16

export function isInGroup(id: SlotId, { groups, groupIndex }: ValidationGroup): boolean {
  return BigInt(id.slice(0, 2 + DECIDING_DIGITS)) % BigInt(groups) === BigInt(groupIndex)
}

/** @throws CodexError `validation/bad-group` */
export function checkGroup({ groups, groupIndex }: ValidationGroup): void {
  if (!Number.isSafeInteger(groups) || groups < MIN_GROUPS || groups > MAX_GROUPS)
    throw new CodexError(
      'validation/bad-group',
      `expected ${MIN_GROUPS} to ${MAX_GROUPS} groups of validators, found ${describeValue(groups)}; leave groups out to validate every slot`,
      { detail: { groups: numberOrDescription(groups) } },
    )
  if (!Number.isSafeInteger(groupIndex) || groupIndex < 0 || groupIndex >= groups)
    throw new CodexError(
      'validation/bad-group',
      `expected a group index from 0 to ${groups - 1}, for there are ${groups} groups, found ${describeValue(groupIndex)}`,
      { detail: { groups, groupIndex: numberOrDescription(groupIndex) } },
    )
}
