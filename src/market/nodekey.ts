// The node's key: signs transactions by their purpose and nothing else, within a cap on the price of gas. How it is kept is in keystore.ts;
// nonces, daily spending and sending are transactor.ts's.

import { SigningKey } from 'ethers/crypto'
import { computeAddress, Transaction } from 'ethers/transaction'
import { CodexError } from '../lib/errors.ts'
import type { Intent } from './intent.ts'
import { type Contracts, intentCall } from './intentcall.ts'
import { decryptKeystore, encryptKeystore, type SecureRandom } from './keystore.ts'

/** What a unit of gas may cost, in wei. Legacy where the chain knows no base fee: then both are the gas price. */
export interface FeeTerms {
  readonly kind: 'eip1559' | 'legacy'
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

export interface SigningTerms {
  readonly chainId: number
  readonly nonce: number
  readonly gasLimit: bigint
  readonly fees: FeeTerms
}

export interface SignedTransaction {
  /** `0x…`, as it is sent. */
  readonly raw: string
  readonly hash: string
  /** The most it can cost: gas at its highest price, and the value. */
  readonly maxCostWei: bigint
}

export interface NodeKeySettings {
  /** In wei; no transaction offers more for a unit of gas. Default: {@link DEFAULT_MAX_GAS_PRICE_WEI}, 500 gwei. */
  readonly maxGasPriceWei?: bigint
}

/** 500 gwei: some times what a busy main chain asks for. */
export const DEFAULT_MAX_GAS_PRICE_WEI = 500_000_000_000n

const PLAIN_TRANSFER_GAS = 21_000n
/** Order of secp256k1: private keys are from 1 to one less. */
const MAX_DRAWS = 8

/** The key that signs what a node sends, and never more than {@link NodeKeySettings} allow for a unit of gas. Private: nothing shows its digits. */
export class NodeKey {
  /** `0x` and lower-case digits. */
  readonly address: string
  readonly maxGasPriceWei: bigint
  readonly #key: SigningKey

  private constructor(key: SigningKey, { maxGasPriceWei = DEFAULT_MAX_GAS_PRICE_WEI }: NodeKeySettings) {
    this.#key = key
    this.address = computeAddress(key.publicKey).toLowerCase()
    this.maxGasPriceWei = maxGasPriceWei
  }

  /** A new key. @param random must be fit for secrets */
  static generate(random: SecureRandom, settings: NodeKeySettings = {}): NodeKey {
    // One draw in 2^128 is no key; a source that gives none in this many is broken.
    for (let draw = 1; ; draw++) {
      try {
        return new NodeKey(new SigningKey(random(32)), settings)
      } catch (error) {
        if (draw === MAX_DRAWS) throw error
      }
    }
  }

  /** @param text 64 hex digits, with or without `0x` @throws CodexError `wallet/bad-key` */
  static fromPrivateKey(text: string, settings: NodeKeySettings = {}): NodeKey {
    const digits = text.trim().replace(/^0x/i, '')
    try {
      if (/^[0-9a-f]{64}$/i.test(digits)) return new NodeKey(new SigningKey(`0x${digits}`), settings)
    } catch {
      // Zero, or beyond the order of the curve. The error would quote the key.
    }
    throw new CodexError('wallet/bad-key', 'expected a private key of 64 hex digits; check where it came from')
  }

  /** @throws CodexError `wallet/bad-keystore`, `wallet/wrong-password` */
  static async fromKeystore(json: string, password: string, settings: NodeKeySettings = {}): Promise<NodeKey> {
    return NodeKey.fromPrivateKey(await decryptKeystore(json, password), settings)
  }

  /** The key as a Web3 keystore. */
  toKeystore(password: string, random: SecureRandom, scryptN?: number): Promise<string> {
    return encryptKeystore(this.#key.privateKey, password, random, scryptN)
  }

  /** @throws CodexError `wallet/gas-price-over-cap` */
  sign(intent: Intent, contracts: Contracts, terms: SigningTerms): SignedTransaction {
    return this.#sign(intentCall(intent, contracts, this.address), terms)
  }

  /** The same transaction once more at other fees, in the place of `raw`. @throws CodexError `wallet/gas-price-over-cap`, `wallet/not-ours` */
  signAgain(raw: string, fees: FeeTerms): SignedTransaction {
    const { to, data, value, chainId, nonce, gasLimit } = this.#own(raw)
    return this.#sign({ to: to ?? '', data, value }, { chainId: Number(chainId), nonce, gasLimit, fees })
  }

  /**
   * A payment of nothing to ourselves in the place of `raw`, so that what it would do can no longer happen. May offer what `raw` did, though the cap
   * has been lowered since: it takes less gas. @throws as {@link NodeKey.signAgain}
   */
  signCancel(raw: string, fees: FeeTerms): SignedTransaction {
    const { chainId, nonce } = this.#own(raw)
    const { maxFeePerGas } = feesOf(raw)
    const cap = maxFeePerGas > this.maxGasPriceWei ? maxFeePerGas : this.maxGasPriceWei
    return this.#sign(this.#nothing, { chainId: Number(chainId), nonce, gasLimit: PLAIN_TRANSFER_GAS, fees }, cap)
  }

  /** A payment of nothing to ourselves, so that `nonce` is used and those behind it get their turn. @throws CodexError `wallet/gas-price-over-cap` */
  signFiller(terms: Omit<SigningTerms, 'gasLimit'>): SignedTransaction {
    return this.#sign(this.#nothing, { ...terms, gasLimit: PLAIN_TRANSFER_GAS })
  }

  get #nothing() {
    return { to: this.address, data: '0x', value: 0n }
  }

  /** A transaction that this key signed before. */
  #own(raw: string): Transaction {
    const transaction = Transaction.from(raw)
    if (transaction.from?.toLowerCase() === this.address) return transaction
    throw new CodexError(
      'wallet/not-ours',
      `expected a transaction of ${this.address}, found one of ${transaction.from ?? 'nobody'}; use the key that signed it`,
    )
  }

  #sign(
    call: { readonly to: string; readonly data: string; readonly value: bigint },
    { chainId, nonce, gasLimit, fees }: SigningTerms,
    capWei = this.maxGasPriceWei,
  ): SignedTransaction {
    if (fees.maxFeePerGas > capWei) throw overCap(fees.maxFeePerGas, capWei)
    const price =
      fees.kind === 'legacy'
        ? { type: 0, gasPrice: fees.maxFeePerGas }
        : { type: 2, maxFeePerGas: fees.maxFeePerGas, maxPriorityFeePerGas: fees.maxPriorityFeePerGas }
    const transaction = Transaction.from({ ...call, ...price, chainId, nonce, gasLimit })
    transaction.signature = this.#key.sign(transaction.unsignedHash)
    return {
      raw: transaction.serialized,
      hash: transaction.hash ?? '',
      maxCostWei: gasLimit * fees.maxFeePerGas + call.value,
    }
  }
}

/** The fees that a signed transaction offers. */
export function feesOf(raw: string): FeeTerms {
  const { type, gasPrice, maxFeePerGas, maxPriorityFeePerGas } = Transaction.from(raw)
  if (type === 0) return { kind: 'legacy', maxFeePerGas: gasPrice ?? 0n, maxPriorityFeePerGas: gasPrice ?? 0n }
  return { kind: 'eip1559', maxFeePerGas: maxFeePerGas ?? 0n, maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n }
}

/** What a signed transaction asks for, for `eth_call` to replay it. */
export function callOf(raw: string): {
  readonly from: string
  readonly to: string
  readonly data: string
  readonly value: string
  readonly gas: string
} {
  const { from, to, data, value, gasLimit } = Transaction.from(raw)
  return {
    from: from ?? '',
    to: to ?? '',
    data,
    value: `0x${value.toString(16)}`,
    gas: `0x${gasLimit.toString(16)}`,
  }
}

function overCap(wanted: bigint, cap: bigint): CodexError<'wallet/gas-price-over-cap'> {
  const message = `the chain asks for ${wanted} wei per unit of gas, the node's cap is ${cap} wei; wait for a cheaper hour or raise the cap`
  return new CodexError('wallet/gas-price-over-cap', message, { detail: { wanted, cap } })
}
