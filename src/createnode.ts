// What `createNode` does wherever it runs: from options as a person gives them to a node that runs in the roles asked for. The node itself comes from the
// composition roots.

import type { NetworkSettings } from './exchange/nodenetwork.ts'
import type { AbortOptions } from './lib/abort.ts'
import type { Clock } from './lib/clock.ts'
import { CodexError } from './lib/errors.ts'
import { Log } from './lib/log.ts'
import { LogLevels } from './lib/loglevels.ts'
import { SystemClock } from './lib/systemclock.ts'
import type { Bytes, Seconds } from './lib/units.ts'
import type { EthersMarketSettings } from './market/ethersmarket.ts'
import type { NodeKey } from './market/nodekey.ts'
import type { CodexNode, NodeSettings } from './node.ts'
import type { CircuitFiles } from './proving/opencircuit.ts'
import type { CircuitShape } from './slots/proofinputs.ts'
import type { TradeSettings } from './trade.ts'
import type { ValidatorSettings } from './validation/validator.ts'

/** `bridge` lets tabs in over WebSocket, where `listen` says, and gets blocks for them; in Node only. */
export type Role = 'provider' | 'client' | 'validator' | 'bridge'

/** A key that is kept under a password: a Web3 keystore. */
export interface LockedKey {
  readonly keystore: string
  readonly password: string
}

/** Of `createNode`. Everything may be left out; what a role needs is missed with `node/bad-options`. */
export interface CreateNodeOptions extends NodeSettings, Partial<AbortOptions> {
  /** What the node does in the marketplace. None by default: it stores and shares. */
  readonly roles?: readonly Role[] | undefined
  /** Multiaddrs to listen on; none by default, and not to be had in a tab. */
  readonly listen?: readonly string[] | undefined
  /** Peers to ask, each a multiaddr or an SPR. */
  readonly bootstrap?: readonly string[] | undefined
  /** URL of a JSON-RPC endpoint: http, https, ws or wss. Without it the node takes no part in the marketplace. */
  readonly ethProvider?: string | undefined
  /** Address of the contract. Default: the known one of the endpoint's chain. */
  readonly marketplace?: string | undefined
  /** Of the chain that the endpoint must have; any by default. */
  readonly chainId?: number | undefined
  /** The node key, or a private key of 64 hex digits. It is hot: keep no more under it than a provider needs. */
  readonly key?: NodeKey | LockedKey | string | undefined
  /** What a provider proves with. */
  readonly circuit?: CircuitFiles | undefined
  /** Where the circuit is another than the deployed one. */
  readonly circuitShape?: CircuitShape | undefined
  /** Threads that prove, at most. By default what the machine runs at once, at most 8. */
  readonly proverThreads?: number | undefined
  /** Of a period, what the proofs of all slots may take: what would take more is not sold. Half by default. */
  readonly provingShare?: number | undefined
  /** Gets the rewards; collateral always returns to the node key. The node key's own address by default. */
  readonly rewardRecipient?: string | undefined
  /** Slots that are prepared and downloaded at once. 3 by default. */
  readonly maxWorkers?: number | undefined
  /** Slots that wait to be looked at. 128 by default. */
  readonly queueSize?: number | undefined
  /** Which slots a validator looks after; all by default, at most 1000 at once. */
  readonly validator?: ValidatorSettings | undefined
  /** Blocks, its own included, until a transaction counts as done. 1 by default. */
  readonly confirmations?: number | undefined
  /** Between two looks at the chain's newest block. 4 by default, 1 on a chain of this machine. */
  readonly pollSeconds?: Seconds | undefined
  /** Tip for the makers of blocks where the network suggests none, in wei. 1 gwei by default. */
  readonly maxPriorityFeePerGasWei?: bigint | undefined
  /** For gas and coins sent, in 24 hours, at most: what goes beyond fails with `wallet/daily-cap`. 0.1 coin (10^17 wei) by default. */
  readonly maxDailySpendWei?: bigint | undefined
  /** For tests: of so many proofs that are due a provider sends zeros in the place of one, which the contract refuses. None by default. */
  readonly simulateProofFailures?: number | undefined
  /** What a bridge keeps for the next tab, at least 32 MiB. 1 GiB by default. */
  readonly bridgeCacheBytes?: Bytes | undefined
  /** The machine's by default. */
  readonly clock?: Clock | undefined
  /** Milliseconds that only grow: what proofs are measured with. The machine's by default. */
  readonly stopwatch?: (() => number) | undefined
  /** Silent by default. */
  readonly log?: Log | undefined
}

export interface RunParts extends AbortOptions {
  readonly clock: Clock
  readonly log: Log
}

export interface TakeOptions extends AbortOptions {
  /** As `NetworkSettings`, where the platform listens for WebSocket. */
  readonly admit?: NetworkSettings['admit']
}

/** The defaults of what everything stands on. */
export function runParts({ clock = new SystemClock(), log, signal }: CreateNodeOptions): RunParts {
  return {
    clock,
    log: log ?? new Log({ clock, levels: new LogLevels('off'), sinks: [] }),
    signal: signal ?? new AbortController().signal,
  }
}

/**
 * Starts the node in its roles, in the order of their needs; when that fails it is stopped again.
 * @throws CodexError as {@link checkOptions}, `CodexNode.join`, `CodexNode.enter`, `wallet/bad-key`, `wallet/bad-keystore`, `wallet/wrong-password`; the signal's reason
 */
export async function runNode(
  node: CodexNode,
  options: CreateNodeOptions,
  { signal, admit }: TakeOptions,
): Promise<CodexNode> {
  try {
    await node.start({ signal })
    await takeRoles(node, options, { signal, admit })
    return node
  } catch (error) {
    await node.stop()
    throw error
  }
}

/**
 * Has a started node take up its roles. When that fails it runs on without them, and may be asked again.
 * @throws CodexError as {@link runNode}
 */
export async function takeRoles(
  node: CodexNode,
  options: CreateNodeOptions,
  { signal, admit }: TakeOptions,
): Promise<void> {
  const trade = await tradeSettings(options)
  const { listen, bootstrap, roles = [] } = options
  if (listen !== undefined || bootstrap !== undefined || trade !== undefined || roles.includes('bridge')) {
    const network = await node.join({ listen, bootstrap, admit }, { signal })
    if (roles.includes('bridge')) await network.relay({ cacheBytes: options.bridgeCacheBytes })
  }
  // Told before the chain is waited for.
  if (trade?.provider === undefined) await node.tellUnproven({ signal })
  if (trade !== undefined) await node.enter(trade, { signal })
}

/** That what the roles need is there, before anything is opened. @throws CodexError `node/bad-options`, its detail names the option */
export function checkOptions({
  roles = [],
  ethProvider,
  key,
  circuit,
  listen = [],
  provingShare,
  simulateProofFailures,
}: CreateNodeOptions): void {
  const trading = roles.filter((role) => role !== 'bridge')
  const needed = trading.length > 0 ? `as ${trading.join(', ')}` : undefined
  if (needed !== undefined && ethProvider === undefined) throw missing('ethProvider', `an endpoint to act ${needed}`)
  if (needed !== undefined && key === undefined) throw missing('key', `a node key to act ${needed}`)
  if (roles.includes('provider') && circuit === undefined) throw missing('circuit', 'circuit files to prove with')
  // It would run, and no tab could ever come in.
  if (roles.includes('bridge') && !listen.some(isForTabs))
    throw missing('listen', 'an address for tabs to come in at, such as /ip4/127.0.0.1/tcp/8071/ws, to act as bridge')
  if (provingShare !== undefined && !(provingShare > 0 && provingShare <= 1))
    throw missing('provingShare', `a number above 0 up to 1, found ${provingShare}`)
  if (
    simulateProofFailures !== undefined &&
    !(Number.isSafeInteger(simulateProofFailures) && simulateProofFailures >= 0)
  )
    throw missing('simulateProofFailures', `a whole number from 0, found ${simulateProofFailures}`)
}

/** Whether a multiaddr is one for WebSocket. */
function isForTabs(address: string): boolean {
  return /\/wss?(\/|$)/.test(address)
}

/** Undefined for a node outside of the marketplace. */
async function tradeSettings(options: CreateNodeOptions): Promise<TradeSettings | undefined> {
  const { roles = [], ethProvider: url, key, circuit } = options
  if (url === undefined || key === undefined) return undefined
  const given = <Name extends keyof CreateNodeOptions>(name: Name) =>
    options[name] === undefined ? {} : { [name]: options[name] }
  const chain: EthersMarketSettings = {
    url,
    ...given('marketplace'),
    ...given('chainId'),
    ...given('rewardRecipient'),
    ...given('confirmations'),
    ...given('pollSeconds'),
    ...given('maxPriorityFeePerGasWei'),
    ...given('maxDailySpendWei'),
  }
  return {
    chain,
    key: await unlocked(key),
    stopwatch: options.stopwatch,
    client: roles.includes('client'),
    validator: roles.includes('validator') ? (options.validator ?? {}) : undefined,
    provider:
      roles.includes('provider') && circuit !== undefined
        ? {
            circuit,
            shape: options.circuitShape,
            threads: options.proverThreads,
            provingShare: options.provingShare,
            workers: options.maxWorkers,
            queueSize: options.queueSize,
            failEveryProofs: options.simulateProofFailures,
          }
        : undefined,
  }
}

async function unlocked(key: NodeKey | LockedKey | string): Promise<NodeKey> {
  const { NodeKey } = await import('./market/nodekey.ts')
  if (typeof key === 'string') return NodeKey.fromPrivateKey(key)
  return 'keystore' in key ? NodeKey.fromKeystore(key.keystore, key.password) : key
}

function missing(option: keyof CreateNodeOptions, what: string): CodexError<'node/bad-options'> {
  return new CodexError('node/bad-options', `${option}: expected ${what}`, { detail: { option } })
}
