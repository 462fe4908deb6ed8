// What the process says when it ends, as a number: one table from error codes to exit codes. Which error happened is the errors' business.

import { CodexError } from '../lib/errors.ts'

/** Public: scripts rely on these. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  walletOrAuth: 4,
  refused: 5,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Whole error codes, or a room with its slash for all of its codes; the first row that matches counts, and no row means failed. */
const ROWS: readonly (readonly [code: string, exit: ExitCode])[] = [
  ['cli/interrupted', EXIT.interrupted],
  // Who reads our output has read enough: `| head`.
  ['cli/output-closed', EXIT.ok],
  ['cli/too-dear', EXIT.refused],
  ['cli/', EXIT.usage],
  ['cid/', EXIT.usage],
  ['units/', EXIT.usage],
  ['log/bad-level', EXIT.usage],
  ['dataset/bad-range', EXIT.usage],
  // Numbers that fit no dataset, or not this one, as a range does not.
  ['erasure/bad-code', EXIT.usage],
  ['erasure/too-small', EXIT.usage],
  ['slots/no-such-slot', EXIT.usage],
  ['slots/bad-challenge', EXIT.usage],
  ['slots/bad-merkle-root', EXIT.usage],
  ['demo/short-period', EXIT.usage],
  ['devnet/bad-configuration', EXIT.usage],
  ['devnet/bad-file', EXIT.usage],
  ['devnet/bad-key', EXIT.usage],
  ['peer/', EXIT.usage],
  ['multiaddr/', EXIT.usage],
  ['spr/', EXIT.usage],
  ['network/cannot-listen', EXIT.failed],
  ['network/', EXIT.unreachable],
  ['exchange/stalled', EXIT.unreachable],
  ['node/not-reached', EXIT.unreachable],
  ['node/not-running', EXIT.unreachable],
  ['rest/bad-field', EXIT.usage],
  ['rest/bad-terms', EXIT.usage],
  ['rest/bad-id', EXIT.usage],
  ['rest/no-market', EXIT.refused],
  ['reservations/', EXIT.refused],
  ['purchase/bad-terms', EXIT.usage],
  ['purchase/bad-tolerance', EXIT.usage],
  ['purchase/not-ours', EXIT.refused],
  ['purchase/not-over', EXIT.refused],
  ['purchase/nothing-to-withdraw', EXIT.refused],
  ['node/bad-options', EXIT.usage],
  ['validation/bad-group', EXIT.usage],
  ['validation/bad-max-slots', EXIT.usage],
  ['proving/development-key', EXIT.refused],
  ['proving/wrong-archive', EXIT.refused],
  ['sales/other-place', EXIT.refused],
  ['node/no-network', EXIT.unreachable],
  ['rest/unauthorised', EXIT.walletOrAuth],
  ['store/quota-exceeded', EXIT.refused],
  ['wallet/daily-cap', EXIT.refused],
  ['wallet/gas-price-over-cap', EXIT.refused],
  ['wallet/sent-before', EXIT.refused],
  ['wallet/', EXIT.walletOrAuth],
  ['market/unreachable', EXIT.unreachable],
  ['market/rate-limited', EXIT.unreachable],
  ['market/bad-address', EXIT.usage],
  ['market/bad-endpoint', EXIT.usage],
]

/** For `--help`. */
export const EXIT_CODES_HELP: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.ok, 'done; also when the reader of our output stopped early (| head)'],
  [
    EXIT.failed,
    'failed: not found, damaged, disk full, data folder in use by another node, wrong chain, no contract at the address, port in use; a check that found something wrong',
  ],
  [
    EXIT.usage,
    'usage: unknown verb or option, a value that is missing or bad, as a CID, a range, an address, a circuit or settings file, no such slot; no endpoint and no password given',
  ],
  [
    EXIT.unreachable,
    'unreachable: no node runs, or no answer from it, from the network or from the endpoint of the chain',
  ],
  [
    EXIT.walletOrAuth,
    'wallet or authorisation: no key, wrong password, others may read the file, too few coins, no tokens',
  ],
  [
    EXIT.refused,
    'refused by policy: the storage quota or a cap on spending is exceeded, a block is still in use, a payment was made before, a key for development only',
  ],
  [EXIT.interrupted, 'interrupted by Ctrl-C, SIGTERM or SIGHUP'],
]

export function exitCodeOf(error: unknown): ExitCode {
  if (!CodexError.is(error)) return EXIT.failed
  const row = ROWS.find(([code]) => (code.endsWith('/') ? error.code.startsWith(code) : error.code === code))
  return row?.[1] ?? EXIT.failed
}
