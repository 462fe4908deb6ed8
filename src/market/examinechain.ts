// Looks at everything between this node and its earnings on the chain, step by step, and says what it found. It changes nothing and signs nothing.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { redactText } from '../lib/redact.ts'
import { ChainReader } from './chainreader.ts'
import { DRIFT_ALERT_SECONDS } from './chainclock.ts'
import { Connection, type ConnectionParts, type ConnectionSettings } from './connection.ts'
import type { MarketplaceTerms } from './marketplaceterms.ts'
import { readQuantity } from './rpcvalues.ts'

/** `bad` stands in the way of selling, `odd` may. */
export interface Finding {
  readonly check: 'endpoint' | 'chain' | 'contract' | 'abi' | 'clock' | 'coins' | 'tokens' | 'allowance'
  readonly state: 'good' | 'odd' | 'bad'
  /** For people. */
  readonly sentence: string
  /** Behind a `bad`. */
  readonly code?: string
}

/** What the chain says of itself. */
export interface ChainFacts {
  readonly chainId: number
  readonly marketplace: string
  readonly token: string
  readonly terms: MarketplaceTerms
}

export interface Examination {
  readonly findings: readonly Finding[]
  /** Undefined when it did not get that far. */
  readonly facts: ChainFacts | undefined
}

const NOBODY = `0x${'0'.repeat(40)}`
const NO_REQUEST = `0x${'0'.repeat(64)}`
/** Of views that take an id, those that answer for any. */
const VIEWS_FOR_ANY_ID = ['slotState', 'getHost', 'getPointer', 'isProofRequired', 'currentCollateral', 'missingProofs']

/** Never rejects but with the signal's reason. @param address the node's, where it is known */
export async function examineChain(
  parts: ConnectionParts,
  settings: ConnectionSettings,
  address: string | undefined,
  options: AbortOptions,
): Promise<Examination> {
  const findings: Finding[] = []
  const find = (check: Finding['check'], state: Finding['state'], sentence: string, code?: string) =>
    findings.push({ check, state, sentence, ...(code !== undefined && { code }) })
  let connection: Connection | undefined
  try {
    connection = new Connection(parts, { ...settings, connectAttempts: 1 })
    const marketplace = await connection.open(options)
    const { heads } = connection
    find('endpoint', 'good', `${redactText(settings.url)} answers; its newest block is ${heads.latest.number}`)
    find('chain', 'good', `chain ${heads.chainId}`)
    find('contract', 'good', `there is a contract at ${marketplace}`)
    const reader = new ChainReader({ ...connection, log: parts.log }, marketplace, address ?? NOBODY)
    const [terms, token] = await Promise.all([reader.terms(options), reader.tokenAddress(options)])
    await reader.views(
      VIEWS_FOR_ANY_ID.map((name) => [name, [NO_REQUEST]] as const),
      'pending',
      options,
    )
    const { period, downtime } = terms.proofs
    find('abi', 'good', `it answers as the marketplace does: periods of ${period} s, downtime ${downtime} of 256`)
    // Not the chain's time as reckoned: a node may give its own clock's time for the next block of a chain that has stopped.
    const ahead = Math.round(heads.latest.timestamp - parts.clock.now())
    const isFar = Math.abs(ahead) > DRIFT_ALERT_SECONDS
    const age = `its newest block is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'older than'} this machine's clock`
    find('clock', isFar ? 'odd' : 'good', isFar ? `${age}; set the clock, unless blocks are that rare` : age)
    if (address !== undefined)
      tellAccount(address, await accountAt(connection, reader, { address, token, marketplace }, options), find)
    return { findings, facts: { chainId: heads.chainId, marketplace, token, terms } }
  } catch (error) {
    options.signal.throwIfAborted()
    const code = CodexError.is(error) ? error.code : 'market/failed'
    const sentence = error instanceof Error ? redactText(error.message) : 'it failed for an unknown reason'
    findings.push({ check: checkOf(code, findings), state: 'bad', sentence, code })
    return { findings, facts: undefined }
  } finally {
    await connection?.close()
  }
}

/** What an address has, in base units, and where that was asked. */
export interface Account {
  readonly coins: bigint
  readonly tokens: bigint
  /** Of the marketplace. */
  readonly allowance: bigint
  readonly chainId: number
  readonly marketplace: string
  readonly token: string
}

/** @throws CodexError as {@link Connection.open} */
export async function readAccount(
  parts: ConnectionParts,
  settings: ConnectionSettings,
  address: string,
  options: AbortOptions,
): Promise<Account> {
  const connection = new Connection(parts, { ...settings, connectAttempts: 1 })
  try {
    const marketplace = await connection.open(options)
    const reader = new ChainReader({ ...connection, log: parts.log }, marketplace, address)
    const token = await reader.tokenAddress(options)
    const { chainId } = connection.heads
    return {
      ...(await accountAt(connection, reader, { address, token, marketplace }, options)),
      chainId,
      marketplace,
      token,
    }
  } finally {
    await connection.close()
  }
}

interface Places {
  readonly address: string
  readonly token: string
  readonly marketplace: string
}

export async function accountAt({ rpc }: Connection, reader: ChainReader, places: Places, options: AbortOptions) {
  const { address, token, marketplace } = places
  const [coins, tokens, allowance] = await Promise.all([
    rpc.call('eth_getBalance', [address, 'latest'], options).then((value) => readQuantity(value, 'a balance')),
    reader.token(token, 'balanceOf', [address], options),
    reader.token(token, 'allowance', [address, marketplace], options),
  ])
  return { coins, tokens, allowance }
}

function tellAccount(
  address: string,
  { coins, tokens, allowance }: Pick<Account, 'coins' | 'tokens' | 'allowance'>,
  find: (check: Finding['check'], state: Finding['state'], sentence: string, code?: string) => void,
): void {
  const none = (what: string) => `${address} has no ${what}; send some to it`
  if (coins > 0n) find('coins', 'good', `${coins} wei for gas`)
  else find('coins', 'bad', none('coins for gas'), 'wallet/low-coins')
  if (tokens > 0n) find('tokens', 'good', `${tokens} base units of tokens`)
  // Without any no further slot is taken, whatever is at stake already.
  else find('tokens', 'bad', none('tokens left for collateral'), 'wallet/low-tokens')
  find('allowance', 'good', `the marketplace may take ${allowance} base units; it is raised when needed`)
}

/** Which step an error belongs to: connecting asks for several things in one. */
function checkOf(code: string, findings: readonly Finding[]): Finding['check'] {
  if (code === 'market/wrong-chain') return 'chain'
  if (code === 'market/no-contract' || code === 'market/bad-address') return 'contract'
  return findings.length === 0 ? 'endpoint' : 'abi'
}
