// Asks the market to store a dataset: its content brought here, parity added, slots built, the request made. For both surfaces.

import { type AbortOptions, raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { isManifestCid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { blocksCount } from '../protocol/manifest.ts'
import { excessiveTerm } from '../protocol/requestcosts.ts'
import type { newPurchase } from './marketdocuments.ts'
import { signalOf } from './bodyof.ts'
import { FETCH_STALL_SECONDS } from './intake.ts'
import type { Buying, MarketplaceParts, PurchaseLook, PurchaseOffer } from './marketparts.ts'
import type { RestContext, RestParts } from './restparts.ts'
import { badTerms, whole } from './sellterms.ts'
import type { Shaped } from './shape.ts'

/** Datasets being protected for a request at once; each has all cores' attention. */
export const MAX_REQUESTS = 4
/** Purchases that are remembered for those who asked. */
const MAX_KEPT = 64

/** The reference's order of checks and its words. @throws CodexError `rest/bad-terms`, its detail names the field */
export function purchaseOffer(
  given: Shaped<typeof newPurchase>,
  { requestDurationLimit }: { readonly requestDurationLimit: number },
): PurchaseOffer {
  const { duration, expiry, proofProbability, pricePerBytePerSecond, collateralPerByte, nodes, tolerance } = given
  if (expiry === 0n || expiry >= duration)
    throw badTerms('expiry', "Expiry must be greater than zero and less than the request's duration")
  if (proofProbability === 0n) throw badTerms('proofProbability', 'Proof probability must be greater than zero')
  if (collateralPerByte === 0n) throw badTerms('collateralPerByte', 'Collateral per byte must be greater than zero')
  if (pricePerBytePerSecond === 0n)
    throw badTerms('pricePerBytePerSecond', 'Price per byte per second must be greater than zero')
  if (duration > BigInt(requestDurationLimit))
    throw badTerms('duration', `Duration exceeds limit of ${requestDurationLimit} seconds`)
  if (tolerance === 0n) throw badTerms('tolerance', 'Tolerance needs to be bigger then zero')
  if (tolerance > nodes) throw badTerms('tolerance', 'Invalid parameters: `tolerance` cannot be greater than `nodes`')
  const data = nodes - tolerance
  if (!(data > 1n && data >= tolerance))
    throw badTerms('nodes', 'Invalid parameters: parameters must satify `1 < (nodes - tolerance) ≥ tolerance`')
  return {
    duration: whole('duration', duration),
    expiry: whole('expiry', expiry),
    pricePerBytePerSecond,
    collateralPerByte,
    proofProbability,
    nodes: whole('nodes', nodes),
    tolerance: whole('tolerance', tolerance),
  }
}

/** For so long a purchase whose asker had gone is the answer to who asks for the same again; from then on it is another one. */
export const KEPT_SECONDS: Seconds = 3600

/** A dataset being bought, or bought while nobody waited for the answer any more. */
interface Deal {
  /** CID and offer. */
  readonly key: string
  readonly done: Promise<PurchaseLook>
  /** Whether the connection of who asked for it is open: then it is nobody else's. */
  isAwaited: boolean
  /** By the machine's clock; undefined while it is under way. */
  endedAt: Seconds | undefined
}

export class BuyingDesk {
  readonly #parts: RestParts
  readonly #deals = new Set<Deal>()

  constructor(parts: RestParts) {
    this.#parts = parts
  }

  /**
   * Settles when the purchase is on record, which for a large dataset takes minutes: the connection is kept that long. Clients that do not wait so long
   * may ask again: what was begun goes on without them, and is what the next one gets who asks for the same. Of those who wait each gets a purchase.
   * @throws CodexError `rest/too-many-requests`, `rest/bad-terms`, and what stores, network and purchasing throw
   */
  async buy(
    { buying }: Pick<MarketplaceParts, 'buying'>,
    { cid, offer }: { readonly cid: Cid; readonly offer: PurchaseOffer },
    c: RestContext,
  ): Promise<PurchaseLook> {
    if (buying === undefined) throw noRole('client')
    if (!isManifestCid(cid)) throw new CodexError('dataset/not-a-manifest', `${cid} names no dataset`)
    c.env.incoming.setTimeout(0)
    this.#forgetOld()
    const key = keyOf(cid, offer)
    const left = [...this.#deals].find((each) => each.key === key && !each.isAwaited)
    const deal = left ?? this.#begin(key, buying, { cid, offer })
    deal.isAwaited = true
    try {
      const purchase = await raceAbort(deal.done, signalOf(c))
      // Told: the next one who asks for the same wants another.
      this.#deals.delete(deal)
      return purchase
    } finally {
      deal.isAwaited = false
    }
  }

  #begin(key: string, buying: Buying, wanted: { readonly cid: Cid; readonly offer: PurchaseOffer }): Deal {
    const { background, clock, log } = this.#parts
    if ([...this.#deals].filter(({ endedAt }) => endedAt === undefined).length >= MAX_REQUESTS)
      throw new CodexError(
        'rest/too-many-requests',
        `expected at most ${MAX_REQUESTS} datasets at once; try again later`,
      )
    const done = new Promise<PurchaseLook>((resolve, reject) =>
      background.spawn(`buying storage for ${wanted.cid}`, async (signal) => {
        try {
          const purchase = await buyDataset(this.#parts, buying, wanted, { signal })
          deal.endedAt = clock.now()
          resolve(purchase)
        } catch (error) {
          this.#deals.delete(deal)
          log.info('storage for a dataset was not bought', { cid: String(wanted.cid), error })
          reject(error)
        }
      }),
    )
    // Whoever waits for it is told.
    done.catch(() => undefined)
    const deal: Deal = { key, done, isAwaited: true, endedAt: undefined }
    this.#deals.add(deal)
    return deal
  }

  #forgetOld(): void {
    const oldest = this.#parts.clock.now() - KEPT_SECONDS
    for (const deal of this.#deals) if ((deal.endedAt ?? Infinity) < oldest) this.#deals.delete(deal)
    for (const deal of this.#deals) {
      if (this.#deals.size <= MAX_KEPT) return
      if (deal.endedAt !== undefined) this.#deals.delete(deal)
    }
  }
}

function keyOf(cid: Cid, offer: PurchaseOffer): string {
  return JSON.stringify([String(cid), ...Object.entries(offer).sort()], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}

export function noMarket(): CodexError<'rest/no-market'> {
  return new CodexError(
    'rest/no-market',
    'this node has no part in the marketplace; start it with --eth-provider and a key',
  )
}

export function noRole(role: 'provider' | 'client'): CodexError<'rest/no-market'> {
  const advice = role === 'provider' ? 'persistence, and a circuit to prove with: --circuit or --circuit-dir' : 'a key'
  return new CodexError('rest/no-market', `this node is no ${role}; start it with ${advice}`, { detail: { role } })
}

/** Before hours go into a request that the contract refuses. @throws CodexError `rest/bad-terms` */
function checkCosts(manifest: Manifest, offer: PurchaseOffer): void {
  const { nodes, tolerance } = offer
  const perSlot =
    manifest.kind === 'plain' ? blocksCount(manifest) / (nodes - tolerance) : blocksCount(manifest) / nodes
  const slotBytes = 2 ** Math.ceil(Math.log2(Math.max(1, Math.ceil(perSlot)))) * manifest.blockSize
  const excess = excessiveTerm({ ...offer, slots: nodes, slotBytes })
  if (excess !== undefined)
    throw badTerms(excess.term, `${excess.term} must be at most ${excess.most} for this dataset`)
}

async function buyDataset(
  { network }: RestParts,
  buying: Buying,
  { cid, offer }: { readonly cid: Cid; readonly offer: PurchaseOffer },
  options: AbortOptions,
): Promise<PurchaseLook> {
  const dataNodes = offer.nodes - offer.tolerance
  const patience = { ...options, stallSeconds: network.hasPeers ? FETCH_STALL_SECONDS : 1 }
  const manifest = await network.manifest(cid, patience)
  if (manifest.kind === 'plain' && blocksCount(manifest) < dataNodes)
    throw badTerms(
      'nodes',
      `Dataset too small for erasure parameters, need at least ${dataNodes * manifest.blockSize} bytes`,
    )
  if (manifest.kind !== 'plain' && (manifest.ecK !== dataNodes || manifest.ecM !== offer.tolerance))
    throw badTerms('nodes', 'The dataset is protected already, for other numbers of nodes: name the plain dataset')
  checkCosts(manifest, offer)
  // Hosts fetch it from us.
  await network.fetch(cid, patience)
  return buying.buy(cid, offer, options)
}
