// Where the slots of this node's accounts were sold: by which key, on which chain, at which contract. Anywhere else the chain would know nothing of them, and
// what they still have to prove would be deleted as if it were nobody's.

import type { AbortOptions } from '../lib/abort.ts'
import type { RaisedAlert } from '../lib/alert.ts'
import { utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { formatCount } from '../lib/format.ts'
import { isLocalChain } from '../protocol/localchains.ts'
import type { Datastore, Key } from '../storage/datastore.ts'
import { openRecord, sealRecord } from '../storage/sealedrecord.ts'
import { textKey } from '../storage/storagekey.ts'
import { readSalesRecords } from './readsalesrecords.ts'
import type { Reservation } from './reservation.ts'

export interface SalesPlace {
  readonly chainId: number
  /** Hash of the chain's first block; undefined where the endpoint does not tell. */
  readonly genesis: string | undefined
  /** Address of the contract. */
  readonly marketplace: string
  /** Address of the node key. */
  readonly host: string
}

const PLACE: Key = textKey('meta/sales/place')

/** Undefined before anything was sold, and for a record that makes no sense. Rejects as the Datastore does. */
export async function readSalesPlace(datastore: Datastore): Promise<SalesPlace | undefined> {
  const record = await datastore.get(PLACE)
  if (record === undefined) return undefined
  try {
    const found = JSON.parse(new TextDecoder().decode(openRecord(PLACE, record))) as Partial<SalesPlace>
    const { chainId, genesis, marketplace, host } = found
    if (typeof chainId !== 'number' || typeof marketplace !== 'string' || typeof host !== 'string') return undefined
    return { chainId, genesis: typeof genesis === 'string' ? genesis : undefined, marketplace, host }
  } catch (error) {
    if (CodexError.is(error, 'store/corrupted-record') || error instanceof SyntaxError) return undefined
    throw error
  }
}

/**
 * Notes the place before anything is sold there.
 * @param held slots of the accounts that are not over
 * @throws CodexError `sales/other-place` where they were sold elsewhere
 */
export async function bindSalesPlace(datastore: Datastore, place: SalesPlace, held: number): Promise<void> {
  const before = await readSalesPlace(datastore)
  if (before !== undefined && held > 0 && !isSame(before, place))
    throw new CodexError(
      'sales/other-place',
      `this node holds ${tellHeld(before, held)}, and was started as ${place.host} on chain ${place.chainId} at marketplace ${place.marketplace}; start it as before until they have ended`,
      { detail: { slots: held, ...before } },
    )
  const { chainId, marketplace, host } = place
  // An endpoint that does not tell takes nothing from what is known.
  const genesis = place.genesis ?? (before && isSame(before, place) ? before.genesis : undefined)
  const record = sealRecord(utf8(JSON.stringify({ chainId, genesis, marketplace, host })))
  await datastore.commit([{ put: PLACE, value: record }])
}

/** What the accounts of a node that does not sell yet still hold, as {@link tellHeld}; undefined where that is nothing. Rejects as the Datastore does, and with the signal's reason. */
export async function heldSlots(datastore: Datastore, options: AbortOptions): Promise<string | undefined> {
  const place = await readSalesPlace(datastore)
  if (place === undefined) return undefined
  const held = await unsettled(datastore, options)
  return held.length === 0 ? undefined : tellHeld(place, held.length)
}

/**
 * What a person has to know of a node that holds slots and does not sell: their proofs are missed. Undefined where it holds none.
 * Rejects as the Datastore does, and with the signal's reason.
 */
export async function unprovenAlert(datastore: Datastore, options: AbortOptions): Promise<RaisedAlert | undefined> {
  // Of one that was never filled the chain knows nothing, and takes nothing.
  const held = (await unsettled(datastore, options)).filter(({ fill }) => fill !== undefined)
  if (held.length === 0) return undefined
  const place = await readSalesPlace(datastore)
  const what = place === undefined ? formatCount(held.length, 'slot') : tellHeld(place, held.length)
  return {
    code: 'sales/slots-unproven',
    cause: `It holds ${what} and does not sell: no proof is made for them, each that is missed costs collateral, and nothing of its store expires meanwhile`,
    atStake: held.reduce((sum, { collateral, stake = collateral }) => sum + stake, 0n),
    action: 'Start it as a provider, with the endpoint, the key and the circuit that it sold with',
  }
}

async function unsettled(datastore: Datastore, options: AbortOptions): Promise<readonly Reservation[]> {
  const { reservations } = await readSalesRecords(datastore, options)
  return reservations.filter(({ returnedCollateral }) => returnedCollateral === undefined)
}

/** Part of a sentence: what is held, by whom, and where. */
function tellHeld({ host, chainId, marketplace }: SalesPlace, held: number): string {
  return `${formatCount(held, 'slot')} of ${host} on chain ${chainId} at marketplace ${marketplace}`
}

function isSame(before: SalesPlace, now: SalesPlace): boolean {
  const isOtherGenesis = before.genesis !== undefined && now.genesis !== undefined && before.genesis !== now.genesis
  // A local chain that began anew has forgotten everything: there is nothing to go back to.
  if (before.chainId === now.chainId && isOtherGenesis && isLocalChain(now.chainId)) return true
  return (
    before.chainId === now.chainId &&
    !isOtherGenesis &&
    before.marketplace.toLowerCase() === now.marketplace.toLowerCase() &&
    before.host.toLowerCase() === now.host.toLowerCase()
  )
}
