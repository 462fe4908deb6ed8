// devnet: a local chain with the marketplace on it, until Ctrl-C. What it is made of is in the room devnet.

import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DEFAULT_CONFIGURATION, type MarketplaceConfiguration } from '../devnet/configuration.ts'
import { readArtefacts } from '../devnet/contractartefact.ts'
import { readConfiguration } from '../devnet/readconfiguration.ts'
import type { Devnet } from '../devnet/startdevnet.ts'
import { blockSecondsFor, DEFAULT_ACCOUNTS, DEFAULT_TOKENS, startDevnet } from '../devnet/startdevnet.ts'
import type { VerificationKeyJson } from '../devnet/verifyingkey.ts'
import { raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import { tokens, tokenText } from './marketunits.ts'
import { between, count, duration, text } from './option.ts'
import { table } from './table.ts'
import { type Call, defineVerb } from './verb.ts'

const MAX_PORT = 65_535
const MAX_BYTE = 255
const MAX_ACCOUNTS = 1_000
const DEPLOYMENT_FILE = 'deployment.json'

const { period, timeout, downtime, downtimeProduct } = DEFAULT_CONFIGURATION.proofs

export const devnet = defineVerb({
  about: `Starts an EVM node on loopback, deploys token, verifier and marketplace, gives every account tokens, and mines until Ctrl-C, which
is its normal end. For development only: everybody knows the keys of its accounts, and nothing outlasts the process.
Without --verification-key every proof counts except the one of all zeros.
The configuration is the default one, changed by --config, changed by the other options.`,
  options: {
    port: between('PORT', 'listen here; any free port without it', 1, MAX_PORT),
    config: text('FILE', 'JSON of the shape of `configuration` below, or a part of it'),
    period: duration(`of proofs; ${period}s without it`),
    timeout: duration(`for marking missing proofs after a period; ${timeout}s without it`),
    downtime: between('COUNT', `of 256 pointers, those without proofs; ${downtime} without it`, 0, MAX_BYTE),
    'downtime-product': between(
      'COUNT',
      `how far pointers move per period; ${downtimeProduct} without it`,
      0,
      MAX_BYTE,
    ),
    'block-time': duration('between two blocks; without it the shortest that fits period and downtime'),
    'verification-key': text('FILE', "the circuit's, JSON as circuit tools write it"),
    accounts: between('COUNT', `funded accounts; ${DEFAULT_ACCOUNTS} without it`, 1, MAX_ACCOUNTS),
    tokens: tokens(`for each account, ${tokenText(DEFAULT_TOKENS)} without it`),
    'chain-id': count('31337 without it'),
    deployment: text('FILE', `where to write the document below; ${DEPLOYMENT_FILE} in the working folder without it`),
  },
  examples: ['codex-light devnet --period 30s --downtime 32 --tokens 1000tokens'],
  document: `{ endpoint, websocket, chainId, pid, marketplace, token, verifier (addresses), anyProof (whether every proof counts), block (of the
deployment), blockSeconds, configuration: { collateral: { repairRewardPercentage, maxNumberOfSlashes, slashPercentage,
validatorRewardPercentage }, proofs: { period, timeout, downtime, downtimeProduct, zkeyHash }, reservations: { maxReservations },
requestDurationLimit }, accounts: [{ address, privateKey }], deployment (path of the file that holds all this) };
printed when the marketplace can be used`,
  async run(options, call) {
    const file = options.config === undefined ? {} : await readJson(options.config)
    const configuration = withFlags(readConfiguration(file), options)
    const blockSeconds = options['block-time'] ?? blockSecondsFor(configuration)
    if (blockSeconds < blockSecondsFor(configuration)) {
      call.terminal.say('codex-light: blocks come so fast that a proof may become due in the middle of a period')
    }
    const keyFile = options['verification-key']
    const running = await startDevnet({
      signal: call.signal,
      artefacts: await readArtefacts(call.dist),
      configuration,
      blockSeconds,
      verificationKey: keyFile === undefined ? undefined : ((await readJson(keyFile)) as VerificationKeyJson),
      port: options.port,
      chainId: options['chain-id'],
      accounts: options.accounts,
      tokens: options.tokens,
    })
    try {
      await tell(call, running, keyFile === undefined, resolve(options.deployment ?? DEPLOYMENT_FILE))
      await untilInterrupted(running, call.signal)
    } finally {
      await running.stop()
    }
    return undefined
  },
})

interface Flags {
  readonly period: Seconds | undefined
  readonly timeout: Seconds | undefined
  readonly downtime: number | undefined
  readonly 'downtime-product': number | undefined
}

function withFlags(base: MarketplaceConfiguration, flags: Flags): MarketplaceConfiguration {
  const { proofs } = base
  return {
    ...base,
    proofs: {
      ...proofs,
      period: flags.period ?? proofs.period,
      timeout: flags.timeout ?? proofs.timeout,
      downtime: flags.downtime ?? proofs.downtime,
      downtimeProduct: flags['downtime-product'] ?? proofs.downtimeProduct,
    },
  }
}

async function tell({ terminal }: Call, running: Devnet, anyProof: boolean, deployment: string): Promise<void> {
  const { endpoint, websocket, chainId, pid, contracts, configuration, blockSeconds, accounts } = running
  const { marketplace, token, verifier, block } = contracts
  const addresses = { marketplace, token, verifier, anyProof, block }
  const facts = { endpoint, websocket, chainId, pid, ...addresses, blockSeconds, configuration, accounts, deployment }
  await writeDeployment(deployment, `${JSON.stringify(facts, undefined, 2)}\n`)
  const rows = [
    ['endpoint', endpoint],
    ['websocket', websocket],
    ['chain id', String(chainId)],
    ['marketplace', marketplace],
    ['token', token],
    ['verifier', anyProof ? `${verifier} (accepts every proof except the one of all zeros)` : verifier],
    ['blocks', `one each ${blockSeconds} s; period ${configuration.proofs.period} s`],
    ['written to', deployment],
  ]
  const keys = accounts.map(({ address, privateKey }) => [address, privateKey])
  const text = `${table(rows)}\n\nFunded accounts and their keys, for development only:\n${table(keys)}\n\nCtrl-C ends.`
  await terminal.answer(facts, text)
}

async function untilInterrupted({ closed }: Devnet, signal: AbortSignal): Promise<void> {
  try {
    await raceAbort(closed, signal)
  } catch (error) {
    if (signal.aborted) return
    throw error
  }
  throw new CodexError('devnet/ended', 'expected the local EVM node to run until Ctrl-C, found that it has ended')
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch (cause) {
    const message = `expected JSON in ${path}, found: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new CodexError('devnet/bad-file', message, { detail: { path }, cause })
  }
}

async function writeDeployment(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content)
  } catch (cause) {
    const message = `expected to write ${path}, found: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new CodexError('devnet/cannot-write', message, { detail: { path }, cause })
  }
}
