// Client: a node that buys storage. From the CID of any dataset to a purchase: fetches it, protects it, builds its slots, asks. What becomes of a purchase
// is purchasing.ts'.

import type { NodeNetwork } from '../exchange/nodenetwork.ts'
import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import type { SlotsProgress } from '../slots/slotsprogress.ts'
import type { Slots } from '../slots/slots.ts'
import type { Datasets } from '../storage/datasets.ts'
import type { Purchase } from './purchase.ts'
import type { PurchaseTerms } from './purchaseterms.ts'
import { checkTerms } from './purchaseterms.ts'
import { Purchasing, type PurchasingParts } from './purchasing.ts'

export interface ClientParts extends Omit<PurchasingParts, 'keepUntil'> {
  readonly datasets: Datasets
  readonly slots: Slots
  readonly network: Pick<NodeNetwork, 'fetch'>
}

/** What is bought for a dataset. */
export interface Wanted extends PurchaseTerms {
  /** Slots in all. Default: {@link DEFAULT_NODES}. Of no effect for a dataset that has parity already. */
  readonly nodes?: number | undefined
  /** Of them, how many may be lost. Default: {@link DEFAULT_TOLERANCE} */
  readonly tolerance?: number | undefined
}

export interface BuyOptions extends AbortOptions {
  /** Of parity and slots. */
  readonly progress?: ((progress: SlotsProgress) => void) | undefined
}

export const DEFAULT_NODES = 3
export const DEFAULT_TOLERANCE = 1

/** A node that buys: it protects a dataset, asks the market to store it, and follows what it asked for. */
export class Client {
  readonly purchasing: Purchasing
  readonly #parts: ClientParts

  constructor(parts: ClientParts) {
    const { slots } = parts
    this.#parts = parts
    this.purchasing = new Purchasing({
      ...parts,
      keepUntil: (cid, expiry, options) => slots.ensureExpiry(cid, expiry, options),
    })
  }

  /**
   * Asks the market to have a dataset stored. Settles as soon as the purchase is on record.
   * @param cid of a plain dataset, which is protected first, or of one that is
   * @throws CodexError `purchase/bad-terms`, `purchase/bad-tolerance`, as `NodeNetwork.fetch`, `Slots.protect`, `Slots.build` and `Purchasing.request`
   */
  async buy(cid: Cid, wanted: Wanted, options: BuyOptions): Promise<Purchase> {
    checkTerms(wanted, this.#parts.market.terms)
    const code = codeFor(wanted)
    const found = await this.#verifiable(cid, code, options)
    return this.purchasing.request(found.cid, found.manifest, wanted)
  }

  async #verifiable(
    cid: Cid,
    code: { readonly ecK: number; readonly ecM: number },
    { signal, progress }: BuyOptions,
  ): Promise<{ readonly cid: Cid; readonly manifest: VerifiableManifest }> {
    const { datasets, slots, network } = this.#parts
    const here = await datasets.manifest(cid).catch((error: unknown) => {
      if (CodexError.is(error, 'dataset/not-found')) return undefined
      throw error
    })
    const manifest = here ?? (await network.fetch(cid, { signal }))
    const job = { signal, progress, rank: 'sale' } as const
    const built =
      manifest.kind === 'plain' ? await slots.protect(cid, { ...code, ...job }) : await slots.build(cid, job)
    return { cid: built.verifiableCid, manifest: built.manifest }
  }
}

/** @throws CodexError `purchase/bad-tolerance` */
function codeFor({ nodes = DEFAULT_NODES, tolerance = DEFAULT_TOLERANCE }: Wanted): { ecK: number; ecM: number } {
  const [ecK, ecM] = [nodes - tolerance, tolerance]
  const isCount = Number.isSafeInteger(nodes) && Number.isSafeInteger(tolerance)
  if (isCount && ecM >= 1 && ecK > 1 && ecK >= ecM) return { ecK, ecM }
  throw new CodexError(
    'purchase/bad-tolerance',
    `expected a tolerance of 1 or more, and nodes that leave at least as many and more than 1, found ${tolerance} of ${nodes}`,
    { detail: { nodes: String(nodes), tolerance: String(tolerance) } },
  )
}
