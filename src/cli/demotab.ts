// The demo's side of providers in tabs: what the page has to know to join, play money for the key that a tab makes, and a purchase that leaves a slot for
// them. The chain is for development only.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Devnet } from '../devnet/startdevnet.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { NodejsNode } from '../nodejs.ts'
import type { Cid } from '../protocol/cid.ts'
import { slotId } from '../protocol/ids.ts'
import type { LiveDemo } from './servepage.ts'

/** Keys of tabs that get money: one for each browser, some more for those that forgot theirs. */
const MAX_FUNDED = 64
/** Long enough to see some ten proofs; the tab has most of the expiry to load, prove and fill. */
const TERMS = {
  duration: 300,
  expiry: 150,
  pricePerBytePerSecond: 1000n,
  collateralPerByte: 1n,
  proofProbability: 1n,
  nodes: 3,
  tolerance: 1,
} as const
/** After that the provider of the demo takes what is left, so that the request starts without the tab too. */
const HEAD_START_SECONDS: Seconds = 100
const LOOK_MS = 500

/** What the page finds at `/demo.json`. */
export interface DemoFacts {
  /** Of this run of the demo: what a tab kept of an earlier one is worth nothing here. */
  readonly id: string
  readonly ethProvider: string
  readonly marketplace: string
  readonly chainId: number
  /** Multiaddrs over WebSocket. */
  readonly bootstrap: readonly string[]
  readonly periodSeconds: Seconds
  /** Of a circuit that is not the deployed one. */
  readonly circuitShape: { readonly samples: number; readonly slotDepth: number; readonly datasetDepth: number } | null
  /** Whether a purchase can be asked for. */
  readonly ready: boolean
  /** Whether the demo's own provider can be looked at from here. */
  readonly shows: boolean
}

export interface DemoTabParts {
  readonly devnet: Pick<Devnet, 'endpoint' | 'contracts' | 'chainId' | 'configuration' | 'fund'>
  readonly client: NodejsNode
  /** Stands back until the tab has a slot. */
  readonly provider: NodejsNode | undefined
  readonly circuitShape?: DemoFacts['circuitShape']
  /** For which storage is bought, and until when all slots must be filled; default: {@link TERMS} */
  readonly duration?: Seconds | undefined
  readonly expiry?: Seconds | undefined
  readonly signal: AbortSignal
  readonly tell: (line: string) => void
  /** As {@link LiveDemo.show}. */
  readonly show?: NonNullable<LiveDemo['show']> | undefined
}

export class DemoTab implements LiveDemo {
  readonly #parts: DemoTabParts
  readonly #id = randomBytes(8).toString('hex')
  /** In lower case. */
  readonly #tabs = new Map<string, Promise<void>>()
  #cid: Cid | undefined
  #isBuying = false

  constructor(parts: DemoTabParts) {
    this.#parts = parts
  }

  /** From now on storage may be bought for it. */
  offer(cid: Cid): void {
    this.#cid = cid
  }

  facts(): DemoFacts {
    const { devnet, client, provider, circuitShape = null } = this.#parts
    // Of the provider too: it fetches from a tab what a tab buys storage for.
    const bootstrap = [client, provider].flatMap((node) => addressesForTabs(node))
    return {
      id: this.#id,
      ethProvider: devnet.endpoint,
      marketplace: devnet.contracts.marketplace,
      chainId: devnet.chainId,
      bootstrap,
      periodSeconds: devnet.configuration.proofs.period,
      circuitShape,
      ready: this.#cid !== undefined && !this.#isBuying,
      shows: this.#parts.show !== undefined,
    }
  }

  show(request: IncomingMessage, response: ServerResponse): boolean {
    return this.#parts.show?.(request, response) === true
  }

  /** Gives the key of a tab what it needs to sell, once. @throws CodexError `demo/bad-address`, `demo/too-many-tabs`, `devnet/…` */
  async fund(address: string): Promise<{ readonly address: string }> {
    const { devnet, tell } = this.#parts
    if (!/^0x[0-9a-f]{40}$/i.test(address))
      throw new CodexError('demo/bad-address', 'expected an address of 0x and 40 hex digits; reload the page')
    const tab = address.toLowerCase()
    if (!this.#tabs.has(tab)) {
      if (this.#tabs.size >= MAX_FUNDED)
        throw new CodexError('demo/too-many-tabs', `${MAX_FUNDED} tabs have joined already; start the demo again`)
      const funded = devnet.fund(tab)
      this.#tabs.set(tab, funded)
      tell(`a tab joins with the key ${tab}`)
      funded.catch(() => this.#tabs.delete(tab))
    }
    await this.#tabs.get(tab)
    return { address: tab }
  }

  /** Settles when the request is in the chain. @throws CodexError `demo/not-ready` */
  async request(): Promise<{ readonly requestId: string }> {
    const { client, provider, signal, tell, duration = TERMS.duration, expiry = TERMS.expiry } = this.#parts
    const buyer = client.trade?.client
    if (this.#cid === undefined || this.#isBuying || buyer === undefined)
      throw new CodexError('demo/not-ready', 'expected the purchase before to have all its slots; try again soon')
    this.#isBuying = true
    try {
      await provider?.trade?.provider?.pause()
      const purchase = await buyer.buy(this.#cid, { ...TERMS, duration, expiry }, { signal })
      tell(`a purchase for the tab: ${purchase.id}`)
      this.#standBack(purchase.id).catch(() => undefined)
      return { requestId: purchase.id }
    } catch (error) {
      await this.#goOn()
      throw error
    }
  }

  /** Until the tab has a slot, or its head start is over. Rejects as the provider's store does. */
  async #standBack(requestId: Parameters<typeof slotId>[0]): Promise<void> {
    const { client, signal, tell } = this.#parts
    const slots = Array.from({ length: TERMS.nodes }, (_, index) => slotId(requestId, index))
    const deadline = performance.now() + HEAD_START_SECONDS * 1000
    while (!signal.aborted && performance.now() < deadline) {
      const hosts = await Promise.all(
        slots.map((id) => Promise.resolve(client.trade?.market.hostOf(id, { signal }))),
      ).catch(() => [])
      const taken = hosts.findIndex((host) => host !== undefined && this.#tabs.has(host.toLowerCase()))
      if (taken >= 0) {
        tell(`slot ${taken} of it is filled by a tab`)
        break
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    await this.#goOn()
  }

  async #goOn(): Promise<void> {
    this.#isBuying = false
    await this.#parts.provider?.trade?.provider?.resume()
  }
}

function addressesForTabs(node: NodejsNode | undefined): string[] {
  const { network } = node ?? {}
  const addresses = network?.addresses() ?? []
  return addresses.filter((each) => each.endsWith('/ws')).map((each) => `${each}/p2p/${network?.peerId ?? ''}`)
}
