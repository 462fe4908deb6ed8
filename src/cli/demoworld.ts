// The world of the demo: the full circuit, a local chain with the contracts, and three nodes on it: a client, a provider and a validator. All of it is real, on
// loopback, and gone at the end.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { version } from '../../package.json'
import { DEFAULT_CONFIGURATION } from '../devnet/configuration.ts'
import { readArtefacts } from '../devnet/contractartefact.ts'
import { type GasOfCalls, gasUsed } from '../devnet/gasused.ts'
import type { Devnet } from '../devnet/startdevnet.ts'
import { startDevnet } from '../devnet/startdevnet.ts'
import type { VerificationKeyJson } from '../devnet/verifyingkey.ts'
import { CodexError } from '../lib/errors.ts'
import { Log } from '../lib/log.ts'
import { LogLevels } from '../lib/loglevels.ts'
import { SystemClock } from '../lib/systemclock.ts'
import type { Seconds } from '../lib/units.ts'
import type { NodejsNode } from '../nodejs.ts'
import { createNode, openProving } from '../nodejs.ts'
import { marketplaceOf } from '../rest/marketplaceof.ts'
import { NewsHub } from '../rest/newshub.ts'
import { type ShownRest, showRest } from '../rest/showrest.ts'
import { buildCircuit, type BuiltCircuit } from './buildcircuit.ts'
import type { Advance } from './progress.ts'
import { REVISION } from './revision.ts'
import type { Call } from './verb.ts'
import { logSink } from './withnode.ts'

const PROOFS = { ...DEFAULT_CONFIGURATION.proofs, timeout: 20, downtime: 32 }
/** Of a period at most: a proof never becomes due in the middle of one. */
const BLOCKS = 30
const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
const LOOPBACK_WEBSOCKET = '/ip4/127.0.0.1/tcp/0/ws'

export type Role = 'client' | 'provider' | 'validator'
const ROLES: readonly Role[] = ['client', 'provider', 'validator']

export interface DemoWorld {
  readonly circuit: BuiltCircuit
  readonly constraints: number
  readonly devnet: Devnet
  readonly nodes: Readonly<Record<Role, NodejsNode>>
  /** From which the page draws the provider. */
  readonly shown: ShownRest
  /** Of the marketplace, by function. */
  gas(): Promise<Readonly<Record<string, GasOfCalls>>>
  /** All of it is gone once settled. Never rejects. */
  stop(): Promise<void>
}

export interface WorldCall extends Pick<Call, 'settings' | 'terminal' | 'signal' | 'dist'> {
  /** Of proofs on the local chain. */
  readonly periodSeconds: Seconds
  /** Hears of each stage when it is done. */
  readonly done: (stage: 'circuit' | 'chain' | 'nodes', what: string) => Promise<void>
}

/**
 * Settles when all nodes run in their roles.
 * @throws CodexError as {@link buildCircuit}, {@link startDevnet} and {@link createNode}: nothing runs then
 */
export async function openWorld(call: WorldCall): Promise<DemoWorld> {
  const { terminal, signal, done, periodSeconds } = call
  const { circuit, constraints } = await terminal.progress({ label: 'circuit' }, (advance) => getCircuit(call, advance))
  await done('circuit', `${constraints} constraints, keys for development only, in ${circuit.folder}`)
  const ends: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse())
      await end().catch((error: unknown) => terminal.say(`codex-light: a part of the demo did not end well: ${error}`))
  }
  try {
    const artefacts = await readArtefacts(call.dist)
    const devnet = await startDevnet({
      signal,
      artefacts,
      configuration: { ...DEFAULT_CONFIGURATION, proofs: { ...PROOFS, period: periodSeconds } },
      verificationKey: JSON.parse(await readFile(circuit.verificationKey, 'utf8')) as VerificationKeyJson,
      blockSeconds: blockSecondsOf(periodSeconds),
    })
    ends.push(() => devnet.stop())
    const { marketplace, block } = devnet.contracts
    await done('chain', `${devnet.endpoint}, marketplace ${marketplace}, a period each ${periodSeconds} s`)
    const folder = await mkdtemp(join(tmpdir(), 'codex-light-demo-'))
    ends.push(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
    const nodes = await terminal.progress({ label: 'nodes' }, () => startNodes(call, { circuit, devnet, folder, ends }))
    await done('nodes', ROLES.map((role) => `${role} ${nodes[role].network?.peerId ?? ''}`).join(', '))
    const shown = await showProvider(call, nodes.provider, join(folder, 'provider'))
    ends.push(() => shown.stop())
    const gas = (): ReturnType<typeof gasUsed> =>
      gasUsed(devnet.endpoint, { address: marketplace, abi: artefacts.Marketplace.abi, from: block }, { signal })
    return { circuit, constraints, devnet, nodes, shown, gas, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function blockSecondsOf(periodSeconds: Seconds): Seconds {
  return Math.ceil(periodSeconds / BLOCKS)
}

async function getCircuit(
  { signal }: WorldCall,
  advance: Advance,
): Promise<{ readonly circuit: BuiltCircuit; readonly constraints: number }> {
  const proving = await openProving()
  const circuit = await buildCircuit(proving, 'full', {
    signal,
    tell: (what) => advance(0, { label: `circuit: ${what}, once on this computer`, totalBytes: undefined }),
  })
  return { circuit, constraints: await proving.countConstraints(pathToFileURL(circuit.r1cs), { signal }) }
}

export interface NodeParts {
  readonly circuit: Pick<BuiltCircuit, 'wasm' | 'zkey'>
  readonly devnet: Pick<Devnet, 'accounts' | 'endpoint' | 'contracts'>
  readonly folder: string
  /** What has to be ended, in the order in which it began; each node that runs is added. */
  readonly ends: (() => Promise<unknown>)[]
}

/** Settles when nothing is starting any more. @throws CodexError as {@link createNode}: those that run by then are among the ends */
export async function startNodes(
  call: Pick<WorldCall, 'periodSeconds' | 'settings' | 'signal' | 'terminal'>,
  { circuit, devnet, folder, ends }: NodeParts,
  create: typeof createNode = createNode,
): Promise<DemoWorld['nodes']> {
  const sink = await logSink(call.settings, call.terminal)
  const start = async (role: Role, account: number, bootstrap: readonly string[]): Promise<NodejsNode> => {
    const key = devnet.accounts[account]?.privateKey
    if (key === undefined) throw new CodexError('demo/no-account', 'the local chain has too few accounts')
    const clock = new SystemClock()
    const node = await create({
      dataDir: join(folder, role),
      roles: [role],
      listen: role === 'validator' ? [LOOPBACK] : [LOOPBACK, LOOPBACK_WEBSOCKET],
      bootstrap,
      ethProvider: devnet.endpoint,
      marketplace: devnet.contracts.marketplace,
      key,
      pollSeconds: blockSecondsOf(call.periodSeconds),
      ...(role === 'provider' && {
        circuit: { wasm: pathToFileURL(circuit.wasm), zkey: pathToFileURL(circuit.zkey) },
        // A period of this chain is short, and nothing is lost on it: also slow machines are to see the purchase through.
        provingShare: 1,
      }),
      clock,
      log: new Log({ clock, levels: new LogLevels(call.settings['log-level'].given ?? 'error'), sinks: [sink] }),
      signal: call.signal,
    })
    ends.push(() => node.stop())
    return node
  }
  const client = await start('client', 1, [])
  const peers = (client.network?.addresses() ?? []).map((address) => `${address}/p2p/${client.network?.peerId ?? ''}`)
  const provider = start('provider', 2, peers.slice(0, 1))
  const validator = start('validator', 3, peers.slice(0, 1))
  // Also where one fails the other is waited for: what runs then is ended before its folder goes.
  await Promise.allSettled([provider, validator])
  return { client, provider: await provider, validator: await validator }
}

async function showProvider({ settings, terminal }: WorldCall, node: NodejsNode, dataDir: string): Promise<ShownRest> {
  const { network } = node
  if (network === undefined) throw new CodexError('demo/no-network', 'the provider of the demo has no network')
  const clock = new SystemClock()
  const levels = new LogLevels(settings['log-level'].given ?? 'error')
  const log = new Log({ clock, levels, sinks: [await logSink(settings, terminal)] })
  return showRest({
    ...{ node, network, log: log.topic('rest'), levels, clock, version, revision: REVISION, dataDir },
    // Nobody listens for news: the page looks.
    hub: new NewsHub(),
    startedAt: clock.now(),
    marketplace: marketplaceOf(node, true),
  })
}
