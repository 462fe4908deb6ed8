// Asks the market to store a dataset: its content brought here, parity added, slots built, the request made. For both surfaces.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { isManifestCid } from '../protocol/cid.ts'
import { blocksCount } from '../protocol/manifest.ts'
import type { newPurchase } from './marketdocuments.ts'
import { signalOf } from './bodyof.ts'
import { FETCH_STALL_SECONDS } from './intake.ts'
import type { Buying, MarketplaceParts, PurchaseLook, PurchaseOffer } from './marketparts.ts'
import type { RestContext, RestParts } from './restparts.ts'
import { badTerms, whole } from './sellterms.ts'
import type { Shaped } from './shape.ts'

/** Datasets being protected for a request at once; each has all cores' attention. */
export const MAX_REQUESTS = 4

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
  if (tolerance > nodes)
    throw badTerms('tolerance', `Invalid parameters: tolerance cannot be greater than nodes, ${tolerance} > ${nodes}`)
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

export class BuyingDesk {
  readonly #parts: RestParts
  #underWay = 0

  constructor(parts: RestParts) {
    this.#parts = parts
  }

  /**
   * Settles when the purchase is on record, which for a large dataset takes minutes: the connection is kept that long.
   * @param c whose going away gives it up
   * @throws CodexError `rest/too-many-requests`, `rest/bad-terms`, and what stores, network and purchasing throw
   */
  async buy(
    { buying }: Pick<MarketplaceParts, 'buying'>,
    { cid, offer }: { readonly cid: Cid; readonly offer: PurchaseOffer },
    c: RestContext,
  ): Promise<PurchaseLook> {
    if (buying === undefined) throw noRole('client')
    if (!isManifestCid(cid)) throw new CodexError('dataset/not-a-manifest', `${cid} names no dataset`)
    if (this.#underWay >= MAX_REQUESTS)
      throw new CodexError(
        'rest/too-many-requests',
        `expected at most ${MAX_REQUESTS} datasets at once; try again later`,
      )
    this.#underWay++
    c.env.incoming.setTimeout(0)
    try {
      return await buyDataset(this.#parts, buying, { cid, offer }, { signal: signalOf(c) })
    } finally {
      this.#underWay--
    }
  }
}

export function noMarket(): CodexError<'rest/no-market'> {
  return new CodexError(
    'rest/no-market',
    'this node has no part in the marketplace; start it with --eth-provider and a key',
  )
}

export function noRole(role: 'provider' | 'client'): CodexError<'rest/no-market'> {
  const advice = role === 'provider' ? 'a circuit to prove with: --circuit or --circuit-dir' : 'a key'
  return new CodexError('rest/no-market', `this node is no ${role}; start it with ${advice}`, { detail: { role } })
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
  // Hosts fetch it from us.
  await network.fetch(cid, patience)
  return buying.buy(cid, offer, options)
}
