// `codex-light/market` for a tab: the marketplace behind one endpoint, over the tab's fetch and WebSocket.

import type { AbortOptions } from '../lib/abort.ts'
import { keystoreRecord } from '../market/keystorerecord.ts'
import type { SecureRandom } from '../market/keystore.ts'
import { NodeKey, type NodeKeySettings } from '../market/nodekey.ts'
import { type OpenMarket, openMarketOver } from '../market/openmarket.ts'
import type { WalletPlace } from '../market/walletplace.ts'
import { IdbDatastore } from '../platform/browser/idbdatastore.ts'
import { holdKeyByLock } from '../platform/browser/keylock.ts'
import { webLines } from '../platform/browser/weblines.ts'

export { CodexError } from '../lib/errors.ts'
export { ChainClock } from '../market/chainclock.ts'
export type { RequestState, SlotState } from '../market/chainstates.ts'
export { EthersMarket } from '../market/ethersmarket.ts'
export type { EthersMarketParts, EthersMarketSettings, PayOptions } from '../market/ethersmarket.ts'
export type { EarlierFate, EarlierOptions, EarlierSend } from '../market/earliersend.ts'
export type { Groth16Proof } from '../market/groth16proof.ts'
export type { KeystorePlace, SecureRandom } from '../market/keystore.ts'
export type {
  ActiveSlot,
  Address,
  CollectOutcome,
  EndpointStatus,
  FillOutcome,
  Landed,
  Market,
  MarkOutcome,
  OpenIntent,
  Outcome,
  ProofDuty,
  ReserveOutcome,
  Slot,
  SlotDuty,
  SubmitOutcome,
  WithdrawOutcome,
} from '../market/market.ts'
export type { ContractEvent, EventPlace, MarketEvent, UndoneEvent } from '../market/marketevent.ts'
export { MARKETPLACE_ABI, TOKEN_ABI } from '../market/marketplaceabi.ts'
export { marketplaceAddress } from '../market/marketplaceaddress.ts'
export type { MarketplaceTerms } from '../market/marketplaceterms.ts'
export { collateralToFill } from '../market/marketplaceterms.ts'
export { NodeKey } from '../market/nodekey.ts'
export type { OpenMarket, OpenMarketOptions } from '../market/openmarket.ts'
export type { Period } from '../market/periodicity.ts'
export { Periodicity } from '../market/periodicity.ts'
export type { RpcLines } from '../market/rpclines.ts'
export type { WalletPlace } from '../market/walletplace.ts'

/** How this platform reaches an endpoint: the `lines` of `EthersMarketParts`. */
export const rpcLines = webLines

/** Opens a market; of all tabs of this browser one acts with a key on a chain. Its errors are those of {@link EthersMarket.open}, and `wallet/bad-key`. */
export const openMarket: OpenMarket = openMarketOver(webLines, holdKeyByLock())

/** Random bytes fit for keys and keystores, of the platform. */
export const secureRandom: SecureRandom = (count) => crypto.getRandomValues(new Uint8Array(count))

/** A new key. It is nowhere but in the result: `key.toKeystore(password, secureRandom)` is what to keep. */
export function generateKey(settings: NodeKeySettings = {}): NodeKey {
  return NodeKey.generate(secureRandom, settings)
}

/**
 * A keystore and a journal in the IndexedDB database `place`. Two tabs must not use one at a time: hold a Web Lock.
 * @throws CodexError as IndexedDB may fail, `datastore/…`; or the signal's reason
 */
export async function openWallet(place: string, options: AbortOptions): Promise<WalletPlace> {
  const datastore = await IdbDatastore.open(place, options)
  return { keystore: keystoreRecord(datastore), datastore, close: () => datastore.close() }
}
