// `codex-light/market` for Node: the marketplace behind one endpoint, over Node's own fetch, and WebSocket from a package.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../lib/abort.ts'
import type { SecureRandom } from '../market/keystore.ts'
import { NodeKey, type NodeKeySettings } from '../market/nodekey.ts'
import { type OpenMarket, openMarketOver } from '../market/openmarket.ts'
import type { WalletPlace } from '../market/walletplace.ts'
import { keystoreFile } from '../platform/nodejs/keystorefile.ts'
import { nodeLines } from '../platform/nodejs/nodelines.ts'

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
export const rpcLines = nodeLines

/** Opens a market. Its errors are those of {@link EthersMarket.open}, and `wallet/bad-key`. */
export const openMarket: OpenMarket = openMarketOver(nodeLines)

/** Random bytes fit for keys and keystores, of the platform. */
export const secureRandom: SecureRandom = (count) => crypto.getRandomValues(new Uint8Array(count))

/** A new key. It is nowhere but in the result: `key.toKeystore(password, secureRandom)` is what to keep. */
export function generateKey(settings: NodeKeySettings = {}): NodeKey {
  return NodeKey.generate(secureRandom, settings)
}

/**
 * A keystore file that only this user may read, and a journal, in the folder `place`, which is made when missing. One process has it open.
 * @throws CodexError as the files may fail, `datastore/…`; or the signal's reason
 */
export async function openWallet(place: string, { signal }: AbortOptions): Promise<WalletPlace> {
  await mkdir(place, { recursive: true, mode: 0o700 })
  // Only here, because it loads an addon.
  const { LevelDatastore } = await import('../platform/nodejs/leveldatastore.ts')
  signal.throwIfAborted()
  const datastore = await LevelDatastore.open(join(place, 'journal'))
  return { keystore: keystoreFile(join(place, 'keystore.json')), datastore, close: () => datastore.close() }
}
