// What start asks of the marketplace: roles, key, chain and circuit, out of settings and options.

import { CodexError } from '../lib/errors.ts'
import type { NodejsNode } from '../nodejs.ts'
import { examineChain, readPrivateKey, unlockKey } from '../nodejs.ts'
import { isLocalChain } from '../protocol/localchains.ts'
import { chainParts, chainSettings, keySettings, keystorePath } from './chainsettings.ts'
import { checkCircuitOptions, chooseCircuit, hasCircuit } from './circuitchoice.ts'
import type { OptionValues } from './option.ts'
import { readPassword } from './readpassword.ts'
import type { START_OPTIONS, StartWords } from './startoptions.ts'
import type { Call } from './verb.ts'

export type TradeSettings = Parameters<NodejsNode['enter']>[0]

/** Between two tries to reach the chain. */
const RETRY_SECONDS = 10
/** The circuit of the network. */
const DEFAULT_SAMPLES = 5
const DEFAULT_SLOT_DEPTH = 32
const DEFAULT_DATASET_DEPTH = 8
const MAX_THREADS = 8

type Options = OptionValues<typeof START_OPTIONS>

export interface Trading {
  /** Read at once, so that a wrong password is told before anything is opened. */
  readonly key: TradeSettings['key']
  /** Waits for the chain where a circuit is to be held against it. @param waits hears why, while it does */
  settings(
    dataDir: string,
    waits: (problem: string | undefined) => void,
  ): Promise<{ readonly trade: TradeSettings; readonly check: string | undefined }>
}

export function wantsMarket(options: Options, words: StartWords, { settings }: Pick<Call, 'settings'>): boolean {
  return words.persistence || options.validator === true || settings['eth-provider'].given !== undefined
}

/**
 * Undefined where nobody asks for the marketplace.
 * @throws CodexError `cli/no-endpoint`, `cli/bad-value`, as {@link checkCircuitOptions}, and as keys are read
 */
export async function tradingOf(options: Options, words: StartWords, call: Call): Promise<Trading | undefined> {
  if (!wantsMarket(options, words, call)) {
    // A key that others may read is refused even where nothing asks for it.
    if (options['eth-private-key'] !== undefined) await keyOf(options, call)
    return undefined
  }
  await checkCircuitOptions(options)
  const validator = validatorOf(options)
  const chain = { ...chainSettings(call.settings), ...given(options), connectAttempts: undefined, attempts: undefined }
  const key = await keyOf(options, call)
  return {
    key,
    async settings(dataDir, waits) {
      const sells = words.prover || (await hasCircuit(options, dataDir))
      const base = { chain: withoutUndefined(chain), key, client: true, validator }
      // As elsewhere the word makes a seller of it, whose terms are kept; without a circuit it takes no slots.
      if (!sells)
        return {
          trade: words.persistence ? { ...base, provider: { circuit: undefined, ...providerOf(options) } } : base,
          check: undefined,
        }
      const { chainId, terms } = await chainFacts(call, options['chain-id'], waits)
      if ((options['simulate-proof-failures'] ?? 0) > 0 && !isLocalChain(chainId))
        throw badValue('simulate-proof-failures', `a local chain, found chain ${chainId}`)
      const { files, check } = await chooseCircuit(options, { dataDir, zkeyHash: terms.proofs.zkeyHash, call })
      return { trade: { ...base, provider: { circuit: files, ...providerOf(options) } }, check }
    },
  }
}

function given(options: Options) {
  return { chainId: options['chain-id'], confirmations: options.confirmations }
}

/** What a seller is started with, beside its circuit. */
export function providerOf(options: Options) {
  const threads = options['num-threads']
  return {
    shape: {
      samples: options['proof-samples'] ?? DEFAULT_SAMPLES,
      slotDepth: options['max-slot-depth'] ?? DEFAULT_SLOT_DEPTH,
      datasetDepth: options['max-dataset-depth'] ?? DEFAULT_DATASET_DEPTH,
    },
    // Elsewhere there may be more; here more do not help.
    threads: threads === undefined || threads === 0 ? undefined : Math.min(threads, MAX_THREADS),
    workers: options['max-workers'],
    queueSize: options['queue-size'],
    failEveryProofs: options['simulate-proof-failures'],
  }
}

function validatorOf(options: Options): TradeSettings['validator'] {
  const { 'validator-groups': groups, 'validator-group-index': index } = options
  // An index without groups does nothing; idleOptions says so.
  if (groups !== undefined && index !== undefined && index >= groups)
    throw badValue('validator-group-index', `0 to ${groups - 1}, as there are --validator-groups ${groups}`)
  if (options.validator !== true) return undefined
  const maxSlots = options['validator-max-slots']
  return {
    ...(maxSlots !== undefined && { maxSlots }),
    ...(groups !== undefined && { group: { groups, groupIndex: index ?? 0 } }),
  }
}

async function keyOf(options: Options, call: Call): Promise<TradeSettings['key']> {
  const file = options['eth-private-key']
  if (file !== undefined) return readPrivateKey(file, keySettings(call.settings))
  const path = await keystorePath(call.settings)
  return unlockKey(path, await readPassword(call, false), keySettings(call.settings))
}

/** For as long as the endpoint takes to answer. @throws CodexError what else stands in the way */
async function chainFacts(call: Call, chainId: number | undefined, waits: (problem: string | undefined) => void) {
  const parts = await chainParts(call)
  const settings = chainSettings(call.settings, chainId)
  for (;;) {
    const { facts, findings } = await examineChain(parts, settings, undefined, call)
    if (facts !== undefined) {
      waits(undefined)
      return facts
    }
    const { code = 'market/failed', sentence = 'the chain was not reached' } = findings.at(-1) ?? {}
    if (code !== 'market/unreachable' && code !== 'market/rate-limited') throw new CodexError(code, sentence)
    waits(sentence)
    call.terminal.say(`codex-light: ${sentence}; trying again in ${RETRY_SECONDS} s`)
    await parts.clock.until(parts.clock.now() + RETRY_SECONDS, call)
  }
}

function withoutUndefined<T extends object>(values: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof T]: Exclude<T[Name], undefined> }
}

function badValue(option: string, expected: string): CodexError<'cli/bad-value'> {
  return new CodexError('cli/bad-value', `--${option}: expected ${expected}`, { detail: { from: `--${option}` } })
}
