// What the contract calls the states of requests and slots (marketplace reference §1.1), and reading them from its numbers.

import { CodexError } from '../lib/errors.ts'

/** In the order of the contract's enum. */
export const REQUEST_STATES = ['New', 'Started', 'Cancelled', 'Finished', 'Failed'] as const
/** In the order of the contract's enum. */
export const SLOT_STATES = ['Free', 'Filled', 'Finished', 'Failed', 'Paid', 'Cancelled', 'Repair'] as const

/** Of a storage request, as the contract tells it. */
export type RequestState = (typeof REQUEST_STATES)[number]
/**
 * Derived by the contract from stored state and time: a slot nobody ever filled reads `Free` whatever became of its request, and one in
 * `Repair` when the request ends reads `Finished` without a host.
 */
export type SlotState = (typeof SLOT_STATES)[number]

/** @throws CodexError `market/bad-answer` */
export function requestStateOf(ordinal: bigint): RequestState {
  return stateOf(REQUEST_STATES, ordinal, 'request')
}

/** @throws CodexError `market/bad-answer` */
export function slotStateOf(ordinal: bigint): SlotState {
  return stateOf(SLOT_STATES, ordinal, 'slot')
}

function stateOf<State extends string>(states: readonly State[], ordinal: bigint, what: string): State {
  const state = ordinal < BigInt(states.length) ? states[Number(ordinal)] : undefined
  if (state !== undefined) return state
  throw new CodexError(
    'market/bad-answer',
    `expected the state of a ${what} from 0 to ${states.length - 1}, found ${ordinal}; check that the address is a marketplace of the known version`,
    { detail: { what, found: ordinal } },
  )
}
