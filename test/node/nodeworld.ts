// A local chain with our contracts and the verifier of a real circuit, and whole nodes on it, as the package has them: files, threads, sockets, proofs. The tests
// of a file can share one: after each of them the chain is put back to where it was. Not a test.

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { HDNodeWallet, Interface, Mnemonic } from 'ethers'
import { type Anvil, startAnvil } from '../../src/devnet/anvil.ts'
import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import type { DevnetArtefacts } from '../../src/devnet/contractartefact.ts'
import { BLOCKS_BEFORE_DEPLOYMENT, type Deployment, deployMarketplace } from '../../src/devnet/deploymarketplace.ts'
import { quantity } from '../../src/devnet/jsonrpc.ts'
import { toVerifyingKey } from '../../src/devnet/verifyingkey.ts'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { formatText } from '../../src/lib/logformat.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { MiB, type Seconds } from '../../src/lib/units.ts'
import type { createNode, CreateNodejsOptions, NodejsNode } from '../../src/nodejs.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { Provider } from '../../src/sales/provider.ts'
import type { CircuitShape } from '../../src/slots/proofinputs.ts'
import type { Trade } from '../../src/trade.ts'
import { compileContracts } from '../compilecontracts.ts'
import { bundleModule } from '../bundlemodule.ts'
import { type CircuitWithKeys, circuitWithKeys } from '../proving/keys.ts'
import { seededBytes } from '../fakes/memorystore.ts'
import { paceOf } from './paceof.ts'
import { PatientTime, STEP_SECONDS } from './patienttime.ts'
import { QuietEndpoint } from './quietendpoint.ts'
import { WorldLogs } from './worldlogs.ts'

const MNEMONIC = Mnemonic.fromPhrase('test test test test test test test test test test test junk')
const ACCOUNTS = 8
export const RICH = 10n ** 15n
/** Longer than anything takes here, of chain time. */
const PATIENCE_SECONDS: Seconds = 2000
const LOOK_MS = 5
/** Of what nodes said, for an error message. */
const TOLD = 20
export const NEVER = { signal: new AbortController().signal }

/** One sample of real cells, slots up to 64 blocks: proven in a fraction of a second. */
export const QUICK_CIRCUIT = { maxDepth: 11, maxLog2NSlots: 3, blockTreeDepth: 5, nFieldElemsPerCell: 67, nSamples: 1 }
export const QUICK_SHAPE: CircuitShape = { samples: 1, slotDepth: 11, datasetDepth: 3 }

/** Two missed proofs of 20 % cost the slot. A period has fewer blocks than the downtime pointers, so that no proof falls due in the middle of one. */
export const CONFIGURATION: MarketplaceConfiguration = {
  collateral: {
    repairRewardPercentage: 10,
    maxNumberOfSlashes: 2,
    slashPercentage: 20,
    validatorRewardPercentage: 20,
  },
  proofs: { period: 20, timeout: 15, downtime: 32, downtimeProduct: 37, zkeyHash: '' },
  reservations: { maxReservations: 3 },
  requestDurationLimit: 30 * 86_400,
}

/** What a purchase in these tests asks for, unless a test says otherwise. */
export const TERMS = {
  duration: 110,
  expiry: 100,
  pricePerBytePerSecond: 3n,
  collateralPerByte: 5n,
  proofProbability: 4n,
  nodes: 3,
  tolerance: 1,
} as const

export function keyOf(account: number): string {
  return HDNodeWallet.fromMnemonic(MNEMONIC, `m/44'/60'/0'/0/${account}`).privateKey
}

export function addressOf(account: number): string {
  return HDNodeWallet.fromMnemonic(MNEMONIC, `m/44'/60'/0'/0/${account}`).address.toLowerCase()
}

export interface WorldNode extends NodejsNode {
  readonly trade: Trade
}

type CreateNode = typeof createNode

let bundled: Promise<CreateNode> | undefined

/** As it is built: threads run no TypeScript. */
function builtCreateNode(): Promise<CreateNode> {
  bundled ??= (async () => {
    const url = await bundleModule(fileURLToPath(new URL('../../src/entries/node.nodejs.ts', import.meta.url)))
    return ((await import(/* @vite-ignore */ url.href)) as { createNode: CreateNode }).createNode
  })()
  return bundled
}

export interface NodeOptions extends Partial<CreateNodejsOptions> {
  readonly account: number
  /** Of another node, to connect to. */
  readonly peer?: NodejsNode | undefined
  /** What it logs, as `--log-level` has it: `debug` by default. */
  readonly logLevel?: string
}

export class NodeWorld {
  /** Of this test. */
  readonly records: (LogRecord & { readonly node: string })[] = []
  readonly anvil: Anvil
  /** Where nodes ask the chain. */
  readonly endpoint: QuietEndpoint
  readonly deployment: Deployment
  readonly circuit: CircuitWithKeys
  readonly folder: string
  /** Anew in each test, as {@link NodeWorld.logs}. */
  time: PatientTime
  logs = new WorldLogs()
  readonly #start: Seconds
  /** Of the chain as it was at the start. */
  #snapshot: string
  /** Those that run, and what ends that time waits for them. */
  readonly #nodes = new Map<NodejsNode, () => void>()

  private constructor(
    anvil: Anvil,
    made: {
      readonly endpoint: QuietEndpoint
      readonly deployment: Deployment
      readonly circuit: CircuitWithKeys
      readonly folder: string
      readonly snapshot: string
    },
    now: Seconds,
  ) {
    this.anvil = anvil
    this.endpoint = made.endpoint
    this.deployment = made.deployment
    this.circuit = made.circuit
    this.folder = made.folder
    this.#snapshot = made.snapshot
    this.#start = now
    this.time = this.#newTime()
  }

  #newTime(): PatientTime {
    const time = new PatientTime(this.anvil.rpc, this.#start)
    time.watch(this.endpoint)
    return time
  }

  static async start(configuration: Partial<MarketplaceConfiguration> = {}): Promise<NodeWorld> {
    const circuit = await circuitWithKeys(QUICK_CIRCUIT)
    await builtCreateNode()
    const now = Math.floor(Date.now() / 1000)
    const anvil = await startAnvil({ ...NEVER, genesisTime: now - BLOCKS_BEFORE_DEPLOYMENT - 1 })
    try {
      const { rpc } = anvil
      await rpc.call('anvil_mine', [quantity(BLOCKS_BEFORE_DEPLOYMENT), '0x1'])
      await rpc.call('anvil_setTime', [now])
      const deployment = await deployMarketplace({
        rpc,
        artefacts: (await compileContracts()) as unknown as DevnetArtefacts,
        configuration: { ...CONFIGURATION, ...configuration },
        verifyingKey: toVerifyingKey(circuit.verificationKey),
      })
      const mint = new Interface(['function mint(address, uint256)'])
      for (let account = 0; account < ACCOUNTS; account++) {
        const data = mint.encodeFunctionData('mint', [addressOf(account), RICH])
        await rpc.call('eth_sendTransaction', [{ from: addressOf(0), to: deployment.token, data }])
      }
      const { timestamp } = await rpc.call<{ timestamp: string }>('eth_getBlockByNumber', ['latest', false])
      await rpc.call('evm_setAutomine', [false])
      // What comes next is a step later, whatever the wall clock says while time stands still.
      await rpc.call('anvil_setBlockTimestampInterval', [STEP_SECONDS])
      const folder = await mkdtemp(join(tmpdir(), 'codex-light-nodes-'))
      const endpoint = await QuietEndpoint.start(anvil)
      const snapshot = await rpc.call<string>('evm_snapshot')
      return new NodeWorld(anvil, { endpoint, deployment, circuit, folder, snapshot }, Number(timestamp))
    } catch (error) {
      await anvil.stop()
      throw error
    }
  }

  /** A node in the folder `name`. While it starts, and while it proves, time stands still. */
  async node(name: string, { account, peer, logLevel, ...options }: NodeOptions): Promise<WorldNode> {
    const create = await builtCreateNode()
    const clock = new SystemClock(this.time)
    const { wasm, zkey, verificationKey } = this.circuit
    const node = await this.time.holdDuring(() =>
      create({
        dataDir: join(this.folder, name),
        listen: ['/ip4/127.0.0.1/tcp/0'],
        bootstrap: peer === undefined ? [] : [peerAddress(peer)],
        ethProvider: this.endpoint.endpoint,
        marketplace: this.deployment.marketplace,
        key: keyOf(account),
        circuit: { wasm, zkey, verificationKey },
        circuitShape: QUICK_SHAPE,
        proverThreads: 1,
        quotaBytes: 64 * MiB,
        pollSeconds: STEP_SECONDS,
        clock,
        stopwatch: () => this.time.readMs(),
        log: this.log(name, logLevel),
        ...options,
      }),
    )
    const { trade } = node
    this.#nodes.set(node, trade === undefined ? () => undefined : this.time.waitFor(() => paceOf(trade)))
    return node as WorldNode
  }

  log(node: string, levels = 'debug'): Log {
    const { logs } = this
    const sinks = [
      (record: LogRecord) => {
        this.records.push({ ...record, node })
        logs.add(node, record)
        if (process.env['NODE_LOG'] !== undefined) process.stderr.write(`${node}: ${formatText(record)}\n`)
      },
    ]
    return new Log({ clock: new SystemClock(this.time), levels: new LogLevels(levels), sinks })
  }

  async stopNode(node: NodejsNode): Promise<void> {
    this.#nodes.get(node)?.()
    this.#nodes.delete(node)
    await node.stop()
  }

  /** For the next test: no node runs any more, and the chain is what it was at the start. */
  async renew(): Promise<void> {
    await this.#stopNodes()
    await this.anvil.rpc.call('evm_revert', [this.#snapshot])
    this.#snapshot = await this.anvil.rpc.call<string>('evm_snapshot')
    await rm(this.folder, { recursive: true })
    await mkdir(this.folder)
    this.endpoint.tripwire = () => Promise.resolve('go on')
    this.records.length = 0
    this.logs = new WorldLogs()
    this.time = this.#newTime()
  }

  async #stopNodes(): Promise<void> {
    for (const node of this.#nodes.keys()) await this.stopNode(node)
    await this.time.stop()
    this.logs.flush()
  }

  async stop(): Promise<void> {
    await this.#stopNodes()
    await this.endpoint.stop()
    await this.anvil.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  async tokensOf(holder: string): Promise<bigint> {
    const face = new Interface(['function balanceOf(address) view returns (uint256)'])
    const data = face.encodeFunctionData('balanceOf', [holder])
    return BigInt(await this.anvil.rpc.call<string>('eth_call', [{ to: this.deployment.token, data }, 'latest']))
  }

  /** Settles once it holds, which is looked for often. @throws Error when it does not within so long of its time, with what nodes said last */
  async until(
    what: string,
    holds: () => boolean | Promise<boolean>,
    withinSeconds: Seconds = PATIENCE_SECONDS,
  ): Promise<void> {
    const endMs = this.time.readMs() + withinSeconds * 1000
    for (;;) {
      if (this.time.failure !== undefined)
        throw new Error(`waiting for "${what}": the chain or its time failed${this.#lastSaid()}`, {
          cause: this.time.failure,
        })
      if (await holds()) return
      if (this.time.readMs() > endMs)
        throw new Error(`waited ${withinSeconds} s of chain time in vain for "${what}"${this.#lastSaid()}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  #lastSaid(): string {
    this.logs.flush()
    return `; all that was said is in ${this.logs.folder}, the last of it:\n${[...this.said('warn'), ...this.said('error')].slice(-TOLD).join('\n')}`
  }

  /** What nodes said at these levels. */
  said(level: LogRecord['level'], node?: string): string[] {
    return this.records
      .filter((record) => record.level === level && (node === undefined || record.node === node))
      .map((record) => `${record.node} ${record.topic}: ${record.message} ${JSON.stringify(record.fields)}`)
  }
}

/** Where a node is reached, with its id. */
export function peerAddress(node: NodejsNode): string {
  const { network } = node
  if (network === undefined) throw new Error('the node has not joined')
  return `${network.addresses()[0]}/p2p/${network.peerId}`
}

/** Uploads bytes that follow from the seed. */
export async function upload(node: NodejsNode, bytes: number, seed = 1): Promise<Cid> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield seededBytes(bytes, seed)
  }
  return (await node.datasets.upload(source(), NEVER)).cid
}

export async function buy(
  node: WorldNode,
  cid: Cid,
  terms: Partial<Parameters<NonNullable<Trade['client']>['buy']>[1]> = {},
): Promise<RequestId> {
  const { client } = node.trade
  if (client === undefined) throw new Error('the node is no client')
  return (await client.buy(cid, { ...TERMS, ...terms }, NEVER)).id
}

/** How a purchase ended, or where it is. */
export function purchaseState(node: WorldNode, id: RequestId): string {
  return node.trade.purchases.find(({ requestId }) => requestId === id)?.state ?? 'none'
}

export function providerOf(node: WorldNode): Provider {
  const { provider } = node.trade
  if (provider === undefined) throw new Error('the node is no provider')
  return provider
}

/** The state of each slot of a request, by index. */
export function slotStates(node: WorldNode, id: RequestId, slots = TERMS.nodes): Promise<string[]> {
  return Promise.all(Array.from({ length: slots }, (_, i) => node.trade.market.slotState(slotId(id, i), NEVER)))
}
