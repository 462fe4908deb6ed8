// The demo's side of a provider in the tab: what the page has to know to join, and a purchase that leaves a slot for it. Keys and chain are for development only.

import type { Devnet } from '../devnet/startdevnet.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { NodejsNode } from '../nodejs.ts'
import type { Cid } from '../protocol/cid.ts'
import { slotId } from '../protocol/ids.ts'
import type { LiveDemo } from './servepage.ts'

/** Of the local chain, beside those of deployer, client, provider and validator. */
const TAB_ACCOUNT = 4
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

/** What the page finds at `/demo.json`. The key is one that everybody knows. */
export interface DemoFacts {
  readonly ethProvider: string
  readonly marketplace: string
  readonly chainId: number
  /** Multiaddrs over WebSocket. */
  readonly bootstrap: readonly string[]
  readonly key: string
  readonly periodSeconds: Seconds
  /** Of a circuit that is not the deployed one. */
  readonly circuitShape: { readonly samples: number; readonly slotDepth: number; readonly datasetDepth: number } | null
  /** Whether a purchase can be asked for. */
  readonly ready: boolean
}

export interface DemoTabParts {
  readonly devnet: Pick<Devnet, 'endpoint' | 'contracts' | 'chainId' | 'accounts' | 'configuration'>
  readonly client: NodejsNode
  /** Stands back until the tab has a slot. */
  readonly provider: NodejsNode | undefined
  readonly circuitShape?: DemoFacts['circuitShape']
  readonly signal: AbortSignal
  readonly tell: (line: string) => void
}

export class DemoTab implements LiveDemo {
  readonly #parts: DemoTabParts
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
    const { devnet, client, circuitShape = null } = this.#parts
    const { network } = client
    const addresses = network?.addresses() ?? []
    return {
      ethProvider: devnet.endpoint,
      marketplace: devnet.contracts.marketplace,
      chainId: devnet.chainId,
      bootstrap: addresses.filter((each) => each.endsWith('/ws')).map((each) => `${each}/p2p/${network?.peerId ?? ''}`),
      key: devnet.accounts[TAB_ACCOUNT]?.privateKey ?? '',
      periodSeconds: devnet.configuration.proofs.period,
      circuitShape,
      ready: this.#cid !== undefined && !this.#isBuying,
    }
  }

  /** Settles when the request is in the chain. @throws CodexError `demo/not-ready` */
  async request(): Promise<{ readonly requestId: string }> {
    const { client, provider, signal, tell } = this.#parts
    const buyer = client.trade?.client
    if (this.#cid === undefined || this.#isBuying || buyer === undefined)
      throw new CodexError('demo/not-ready', 'expected the purchase before to have all its slots; try again soon')
    this.#isBuying = true
    provider?.trade?.provider?.pause()
    try {
      const purchase = await buyer.buy(this.#cid, TERMS, { signal })
      tell(`a purchase for the tab: ${purchase.id}`)
      void this.#standBack(purchase.id)
      return { requestId: purchase.id }
    } catch (error) {
      this.#goOn()
      throw error
    }
  }

  /** Until the tab has a slot, or its head start is over. Never rejects. */
  async #standBack(requestId: Parameters<typeof slotId>[0]): Promise<void> {
    const { client, devnet, signal, tell } = this.#parts
    const tab = devnet.accounts[TAB_ACCOUNT]?.address
    const slots = Array.from({ length: TERMS.nodes }, (_, index) => slotId(requestId, index))
    const deadline = performance.now() + HEAD_START_SECONDS * 1000
    while (!signal.aborted && performance.now() < deadline) {
      const hosts = await Promise.all(
        slots.map((id) => Promise.resolve(client.trade?.market.hostOf(id, { signal }))),
      ).catch(() => [])
      const taken = hosts.findIndex((host) => host?.toLowerCase() === tab)
      if (taken >= 0) {
        tell(`slot ${taken} of it is filled by the tab`)
        break
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    this.#goOn()
  }

  #goOn(): void {
    this.#isBuying = false
    this.#parts.provider?.trade?.provider?.resume()
  }
}
