// Why the contracts refuse: each of their errors as one of ours, with what it means for a person and what can be done. Outcomes that are no
// faults are made of these by ethersmarket.ts.

import { CodexError } from '../lib/errors.ts'
import { MARKETPLACE, TOKEN } from './marketplaceinterface.ts'
import type { IntentVerb } from './intent.ts'

interface Meaning {
  /** Behind `market/`. */
  readonly code: string
  /** What is the matter; then what to do. */
  readonly sentence: string
  readonly action: string
}

const CHECK_TERMS = 'correct the terms of the request'
const UPDATE = 'the deployment is not as expected: check the marketplace address'
const NO_ACTION = 'nothing is to be done'

function row(code: string, sentence: string, action: string): Meaning {
  return { code, sentence, action }
}

/** By the contract's own name of the error. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  Marketplace_RepairRewardPercentageTooHigh: row('bad-deployment', 'the repair reward is above 100 %', UPDATE),
  Marketplace_SlashPercentageTooHigh: row('bad-deployment', 'a slash is above 100 %', UPDATE),
  Marketplace_MaximumSlashingTooHigh: row('bad-deployment', 'all slashes together are above 100 %', UPDATE),
  Marketplace_InvalidExpiry: row('invalid-expiry', 'the expiry is not between 0 and the duration', CHECK_TERMS),
  Marketplace_InvalidMaxSlotLoss: row('invalid-max-slot-loss', 'more slots may be lost than there are', CHECK_TERMS),
  Marketplace_InsufficientSlots: row('insufficient-slots', 'the request has no slots', CHECK_TERMS),
  Marketplace_InsufficientDuration: row('insufficient-duration', 'the request has no duration', CHECK_TERMS),
  Marketplace_InsufficientProofProbability: row(
    'insufficient-proof-probability',
    'the proof probability is 0',
    CHECK_TERMS,
  ),
  Marketplace_InsufficientCollateral: row('insufficient-collateral', 'the collateral per byte is 0', CHECK_TERMS),
  Marketplace_InsufficientReward: row('insufficient-reward', 'the price per byte and second is 0', CHECK_TERMS),
  Marketplace_InvalidClientAddress: row(
    'invalid-client-address',
    'the request belongs to another address than the sender',
    "use the key of the request's client",
  ),
  Marketplace_RequestAlreadyExists: row('request-already-exists', 'this very request exists', 'use a new nonce'),
  Marketplace_InvalidSlot: row('invalid-slot', 'the request has no slot of this index', 'check the slot index'),
  Marketplace_InvalidCid: row('invalid-cid', 'the request names no content', CHECK_TERMS),
  Marketplace_SlotNotFree: row(
    'slot-state-mismatch',
    'the slot is filled, or its request is over',
    'take another slot',
  ),
  Marketplace_InvalidSlotHost: row('invalid-slot-host', 'the slot is hosted by another address, or by none', NO_ACTION),
  Marketplace_AlreadyPaid: row('already-paid', 'the slot was paid before', NO_ACTION),
  Marketplace_TransferFailed: row('transfer-failed', 'the token refused a transfer', 'check the token and the balance'),
  Marketplace_UnknownRequest: row('unknown-request', 'the marketplace knows no such request', 'check the request id'),
  Marketplace_InvalidState: row('invalid-state', 'the request is not over yet', 'wait until it is over'),
  Marketplace_StartNotBeforeExpiry: row(
    'start-not-before-expiry',
    'the request is over, or the slot was filled too late',
    NO_ACTION,
  ),
  Marketplace_SlotNotAcceptingProofs: row('slot-not-accepting-proofs', 'the slot is not filled', NO_ACTION),
  Marketplace_ProofNotSubmittedByHost: row('proof-not-by-host', 'the slot is hosted by another address', NO_ACTION),
  Marketplace_SlotIsFree: row('slot-state-mismatch', 'the slot is free', NO_ACTION),
  Marketplace_ReservationRequired: row(
    'reservation-required',
    'we hold no reservation of the slot',
    'reserve it first',
  ),
  Marketplace_NothingToWithdraw: row('nothing-to-withdraw', 'nothing is left to withdraw', NO_ACTION),
  Marketplace_DurationExceedsLimit: row('duration-exceeds-limit', 'the duration is above the limit', CHECK_TERMS),
  Proofs_InsufficientBlockHeight: row('bad-deployment', 'the chain is too short for the marketplace', UPDATE),
  Proofs_InvalidProof: row(
    'proof-invalid',
    'the contract finds the proof wrong',
    'check that the circuit files are those of this marketplace; a proof of another period is wrong too',
  ),
  Proofs_ProofAlreadySubmitted: row(
    'proof-already-submitted',
    'a proof of this period was submitted',
    'wait for the next period',
  ),
  Proofs_PeriodNotEnded: row('period-not-ended', 'the period has not ended', 'wait until it has'),
  Proofs_ValidationTimedOut: row('validation-timed-out', 'the time to report the missing proof is over', NO_ACTION),
  Proofs_ProofNotMissing: row('proof-not-missing', 'the proof was submitted', NO_ACTION),
  Proofs_ProofNotRequired: row('proof-not-required', 'no proof was required', NO_ACTION),
  Proofs_ProofAlreadyMarkedMissing: row('proof-already-marked', 'the missing proof was reported', NO_ACTION),
  Periods_InvalidSecondsPerPeriod: row('bad-deployment', 'a period has no length', UPDATE),
  SlotReservations_ReservationNotAllowed: row(
    'slot-reservation-not-allowed',
    'the slot is filled, reserved by us, or reserved by as many hosts as may',
    'take another slot',
  ),
  ERC20InsufficientAllowance: row(
    'insufficient-allowance',
    'the marketplace may not take as many of our tokens',
    'try again',
  ),
  ERC20InsufficientBalance: row('insufficient-tokens', 'we have too few tokens', 'send tokens to this address'),
  ERC20InvalidSender: row('transfer-failed', 'the token refuses the sender', UPDATE),
  ERC20InvalidReceiver: row('transfer-failed', 'the token refuses the receiver', 'check the address'),
  ERC20InvalidApprover: row('transfer-failed', 'the token refuses the owner', UPDATE),
  ERC20InvalidSpender: row('transfer-failed', 'the token refuses the spender', UPDATE),
  Panic: row(
    'contract-panic',
    'the contract met a number it cannot reckon with',
    'check the terms: a product may be too large',
  ),
  Error: row('reverted', 'the contract refused', 'see the reason it gave'),
}

/** What a contract reverted with. */
export interface Revert {
  /** The contract's name of the error; undefined when the data says nothing known. */
  readonly name: string | undefined
  /** Its arguments as text. */
  readonly args: readonly string[]
}

export function readRevert(data: string | undefined): Revert {
  if (data === undefined || data.length < 10) return { name: undefined, args: [] }
  try {
    const error = MARKETPLACE.parseError(data) ?? TOKEN.parseError(data)
    return error === null
      ? { name: undefined, args: [] }
      : { name: error.name, args: error.args.map((argument) => String(argument).slice(0, 200)) }
  } catch {
    return { name: undefined, args: [] }
  }
}

/** Names of all errors that have a meaning here. */
export function knownReverts(): readonly string[] {
  return Object.keys(MEANINGS)
}

/** The refusal as an error: its code is `market/…`, its detail names the contract's own error. */
export function revertError(
  verb: IntentVerb | 'call',
  data: string | undefined,
  said: string,
  cause?: unknown,
): CodexError<
  `market/${string}`,
  { readonly verb: string; readonly revert: string | undefined; readonly args: string }
> {
  const { name, args } = readRevert(data)
  const meaning = name === undefined ? undefined : MEANINGS[name]
  const { code, sentence, action } =
    meaning ?? row('reverted', `the contract refused: ${said}`, 'see the reason it gave')
  const named = name === undefined ? '' : ` (${name}${args.length === 0 ? '' : `: ${args.join(', ')}`})`
  return new CodexError(`market/${code}`, `${verb}: ${sentence}${named}; ${action}`, {
    detail: { verb, revert: name, args: args.join(', ') },
    cause,
  })
}

/** The contract's name of the error that `error` was made of. */
export function revertName(error: unknown): string | undefined {
  if (!CodexError.is(error)) return undefined
  const revert = error.detail['revert']
  return typeof revert === 'string' ? revert : undefined
}
