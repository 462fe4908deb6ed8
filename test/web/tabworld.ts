// The demo around a provider in a tab, with periods of seconds: a real chain whose verifier is that of a small circuit, a real client over WebSocket, the page
// as it is built. What lies between the tab and them can fail. Not a test.

import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { DemoTab } from '../../src/cli/demotab.ts'
import type { LiveDemo } from '../../src/cli/servepage.ts'
import { DEFAULT_CONFIGURATION } from '../../src/devnet/configuration.ts'
import type { DevnetArtefacts } from '../../src/devnet/contractartefact.ts'
import { JsonRpc } from '../../src/devnet/jsonrpc.ts'
import { type Devnet, startDevnet } from '../../src/devnet/startdevnet.ts'
import type * as NodejsEntry from '../../src/entries/node.nodejs.ts'
import { type Bytes, MiB, type Seconds } from '../../src/lib/units.ts'
import type { NodejsNode } from '../../src/nodejs.ts'
import { bundleModule } from '../bundlemodule.ts'
import { compileContracts } from '../compilecontracts.ts'
import { FULL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { FaultyProxy } from '../market/faultyproxy.ts'
import { NEVER, QUICK_CIRCUIT, QUICK_SHAPE, upload } from '../node/nodeworld.ts'
import { circuitWithKeys } from '../proving/keys.ts'
import { SlowLine } from './slowline.ts'

export const PERIOD_SECONDS = 20
/** Misses are cheap and may be many: on a busy machine a proof may come too late, and the next one counts as well. */
const COLLATERAL = { ...DEFAULT_CONFIGURATION.collateral, maxNumberOfSlashes: 50, slashPercentage: 1 }
/** By which a period has fewer blocks than the downtime has pointers, so that no proof falls due in the middle of one. */
const SPARE_BLOCKS = 12
const PROOFS = { ...DEFAULT_CONFIGURATION.proofs, timeout: 15 }

/** Of the demo's provider: whatever is asked for in these tests. */
const PROVIDER_TERMS = {
  totalSize: 16 * MiB,
  duration: 86_400,
  minPricePerBytePerSecond: 1n,
  totalCollateral: 10n ** 12n,
}

/** Selector of the token's `balanceOf`. */
const BALANCE_OF = '0x70a08231'
/** Selector of `submitProof`. */
const SUBMIT_PROOF = '0xe8aa0a07'
/** Of a period at most, as networks have it: in part of the pointers' round no slot can be filled, and that part grows with them. */
const MAX_BLOCKS = 60

export interface SeenProof {
  readonly slotId: string
  /** Chain time of its block. */
  readonly at: number
}

export interface TabWorldOptions {
  /** Of the file that storage is bought for. */
  readonly bytes?: Bytes
  /** Of purchases; as the demo has them by default. */
  readonly duration?: Seconds
  readonly expiry?: Seconds
  /** The circuit that the networks have; else a small one. */
  readonly isFull?: boolean
  /** Default: {@link PERIOD_SECONDS} */
  readonly period?: Seconds
  /** Of the demo, in Node; none by default. */
  readonly hasProvider?: boolean
}

interface Block {
  readonly timestamp: string
  readonly transactions: readonly { readonly from: string; readonly hash: string; readonly input: string }[]
}

export class TabWorld {
  /** With the circuit's files. */
  readonly folder: string
  readonly devnet: Devnet
  readonly client: NodejsNode
  readonly provider: NodejsNode | undefined
  /** Between the tab and the chain. */
  readonly endpoint: FaultyProxy
  /** Between the tab and the client. */
  readonly line: SlowLine
  readonly demo: LiveDemo
  /** What the demo says of it. */
  readonly told: string[]
  readonly #rpc: JsonRpc
  readonly #ending: AbortController

  private constructor(
    parts: Pick<TabWorld, 'folder' | 'devnet' | 'client' | 'provider' | 'endpoint' | 'line'>,
    { duration, expiry, isFull }: TabWorldOptions,
  ) {
    this.folder = parts.folder
    this.devnet = parts.devnet
    this.client = parts.client
    this.provider = parts.provider
    this.endpoint = parts.endpoint
    this.line = parts.line
    this.told = []
    this.#ending = new AbortController()
    this.#rpc = new JsonRpc(parts.devnet.endpoint, this.#ending)
    const tab = new DemoTab({
      devnet: parts.devnet,
      client: parts.client,
      provider: parts.provider,
      circuitShape: isFull ? null : QUICK_SHAPE,
      duration,
      expiry,
      signal: this.#ending.signal,
      tell: (line) => this.told.push(line),
    })
    this.#tab = tab
    this.demo = {
      facts: () => {
        const facts = tab.facts()
        // The client's comes first.
        const bootstrap = facts.bootstrap.map((each, i) =>
          i > 0 ? each : each.replace(/\/tcp\/\d+\//, `/tcp/${parts.line.port}/`),
        )
        return { ...facts, bootstrap, ethProvider: parts.endpoint.endpoint }
      },
      request: () => tab.request(),
      fund: (address) => tab.fund(address),
    }
  }

  readonly #tab: DemoTab

  static async start(options: TabWorldOptions = {}): Promise<TabWorld> {
    const { bytes = 150_000, isFull = false, period = PERIOD_SECONDS } = options
    const blockSeconds = Math.ceil(period / MAX_BLOCKS)
    const folder = await mkdtemp(join(tmpdir(), 'codex-light-tab-'))
    const { wasm, zkey, verificationKey } = await circuitWithKeys(isFull ? FULL_CIRCUIT : QUICK_CIRCUIT)
    await writeCircuit(folder, { wasm, zkey })
    const devnet = await startDevnet({
      ...NEVER,
      artefacts: (await compileContracts()) as unknown as DevnetArtefacts,
      configuration: {
        ...DEFAULT_CONFIGURATION,
        collateral: COLLATERAL,
        proofs: { ...PROOFS, period, downtime: Math.ceil(period / blockSeconds) + SPARE_BLOCKS },
      },
      verificationKey,
      blockSeconds,
    })
    const url = await bundleModule(fileURLToPath(new URL('../../src/entries/node.nodejs.ts', import.meta.url)))
    const { createNode } = (await import(/* @vite-ignore */ url.href)) as typeof NodejsEntry
    const shared = {
      listen: ['/ip4/127.0.0.1/tcp/0/ws'],
      ethProvider: devnet.endpoint,
      marketplace: devnet.contracts.marketplace,
      quotaBytes: 64 * MiB,
      pollSeconds: 1,
    }
    const client = (await createNode({
      ...shared,
      dataDir: join(folder, 'client'),
      roles: ['client'],
      key: devnet.accounts[1]?.privateKey,
    })) as NodejsNode
    const provider = options.hasProvider
      ? ((await createNode({
          ...shared,
          dataDir: join(folder, 'provider'),
          roles: ['provider'],
          key: devnet.accounts[2]?.privateKey,
          bootstrap: [`${client.network?.addresses()[0]}/p2p/${client.network?.peerId}`],
          circuit: { wasm, zkey },
          ...(!isFull && { circuitShape: QUICK_SHAPE }),
        })) as NodejsNode)
      : undefined
    await provider?.trade?.provider?.createAvailability(PROVIDER_TERMS)
    const port = Number(/\/tcp\/(\d+)\//.exec(client.network?.addresses()[0] ?? '')?.[1])
    const line = await SlowLine.start(port)
    const endpoint = await FaultyProxy.start(devnet)
    const world = new TabWorld({ folder, devnet, client, provider, endpoint, line }, options)
    world.#tab.offer(await upload(client, bytes))
    return world
  }

  async stop(): Promise<void> {
    this.#ending.abort(new Error('the test is over'))
    await this.line.stop()
    await this.endpoint.stop()
    await this.provider?.stop()
    await this.client.stop()
    await this.devnet.stop()
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  /** Those in the chain, from the first block on; fills carry one each. */
  async proofs(): Promise<SeenProof[]> {
    const found: { readonly slotId: string; readonly block: number }[] = []
    for await (const event of this.client.trade?.market.pastEvents({ ...NEVER, from: 0 }) ?? [])
      if (event.type === 'ProofSubmitted') found.push({ slotId: event.slotId, block: event.block })
    return Promise.all(
      found.map(async ({ slotId, block }) => ({ slotId, at: Number((await this.#block(block)).timestamp) })),
    )
  }

  get periodSeconds(): Seconds {
    return this.devnet.configuration.proofs.period
  }

  /** For each slot and period, from the first to the last, how long before its end it was proven; undefined where it was not. */
  async leftBefore(first: number, last: number): Promise<ReadonlyMap<string, readonly (Seconds | undefined)[]>> {
    const proofs = await this.proofs()
    const left = (slotId: string, end: Seconds): Seconds | undefined => {
      const proof = proofs.find((one) => one.slotId === slotId && one.at < end && one.at >= end - this.periodSeconds)
      return proof && end - proof.at
    }
    const periods = Array.from({ length: last - first + 1 }, (_, i) => first + i)
    return new Map(
      [...new Set(proofs.map(({ slotId }) => slotId))].map((slotId) => [
        slotId,
        periods.map((period) => left(slotId, (period + 1) * this.periodSeconds)),
      ]),
    )
  }

  /** What an address holds of the marketplace's token, in wei. */
  async tokensOf(address: string): Promise<bigint> {
    const data = `${BALANCE_OF}${address.slice(2).padStart(64, '0')}`
    return BigInt(await this.#rpc.call<string>('eth_call', [{ to: this.devnet.contracts.token, data }, 'latest']))
  }

  /** Chain time. */
  async now(): Promise<number> {
    return Number((await this.#block('latest')).timestamp)
  }

  /**
   * Of a key's transactions: how many there are, and which the contracts refused. A proof that was sent in the last moment of its period and got into a block of
   * the next one is refused too, which no knowledge of the chain could have told; it is counted by itself.
   */
  async sentBy(
    address: string,
  ): Promise<{ readonly count: number; readonly failed: readonly string[]; readonly late: number }> {
    const latest = Number(await this.#rpc.call<string>('eth_blockNumber'))
    const failed: string[] = []
    let count = 0
    let late = 0
    for (let number = this.devnet.contracts.block; number <= latest; number++) {
      const { transactions, timestamp } = await this.#block(number, true)
      const own = transactions.filter(({ from }) => from.toLowerCase() === address)
      for (const { hash, input } of own) {
        count++
        const { status } = await this.#rpc.call<{ status: string }>('eth_getTransactionReceipt', [hash])
        if (status === '0x1') continue
        const into = Number(timestamp) % this.periodSeconds
        if (input.startsWith(SUBMIT_PROOF) && into <= this.devnet.blockSeconds + 1) late++
        else failed.push(`${input.slice(0, 10)}, ${into} s into a period: ${await this.#reason(hash)}`)
      }
    }
    return { count, failed, late }
  }

  /** Selector of the contract's error, for whoever reads why a test failed. */
  async #reason(hash: string): Promise<string> {
    const trace = this.#rpc.call<{ output?: string }>('debug_traceTransaction', [hash, { tracer: 'callTracer' }])
    const { output = 'no reason' } = await trace.catch(() => ({ output: 'not told' }))
    return output.slice(0, 10)
  }

  /** Of which slots a key has sent proofs from a moment on, whether they were taken or not. @param since chain time */
  async provenBy(address: string, since: Seconds): Promise<ReadonlySet<string>> {
    const slots = new Set<string>()
    for (let number = Number(await this.#rpc.call<string>('eth_blockNumber')); number > 0; number--) {
      const { transactions, timestamp } = await this.#block(number, true)
      if (Number(timestamp) < since) break
      for (const { from, input } of transactions)
        if (from.toLowerCase() === address && input.startsWith(SUBMIT_PROOF)) slots.add(`0x${input.slice(10, 74)}`)
    }
    return slots
  }

  #block(number: number | 'latest', full = false): Promise<Block> {
    return this.#rpc.call<Block>('eth_getBlockByNumber', [
      number === 'latest' ? number : `0x${number.toString(16)}`,
      full,
    ])
  }
}

export async function writeCircuit(
  folder: string,
  { wasm, zkey }: { readonly wasm: Uint8Array; readonly zkey: Uint8Array },
  pinned: { readonly wasm: Uint8Array; readonly zkey: Uint8Array } = { wasm, zkey },
): Promise<void> {
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(folder, 'circuit.wasm'), wasm)
  await writeFile(join(folder, 'circuit.zkey'), zkey)
  await writeFile(join(folder, 'sha256.json'), JSON.stringify({ wasm: sha256(pinned.wasm), zkey: sha256(pinned.zkey) }))
}
