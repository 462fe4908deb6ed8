// How a call on the fake chain ends when a contract refuses it: the contract's own error name and values, as clients decode them.

export class ChainRevert extends Error {
  override readonly name = 'ChainRevert'
  /** `Marketplace_InvalidState`, `Panic`. */
  readonly error: string
  /** Addresses in lower case. */
  readonly values: readonly (string | bigint)[]

  constructor(error: string, ...values: readonly (string | bigint)[]) {
    super(values.length === 0 ? error : `${error}(${values.join(',')})`)
    this.error = error
    this.values = values
  }
}

/** Solidity's code for a number that does not fit. */
const OVERFLOW = 17n
/** Solidity's code for an `assert` that does not hold. */
const ASSERTION = 1n

const UINT64_BITS = 64n
const UINT256_BITS = 256n

/** The number, if it fits 64 bits. @throws ChainRevert `Panic(17)` */
export function uint64(value: bigint): bigint {
  return fitting(value, UINT64_BITS)
}

/** The number, if it fits 256 bits. @throws ChainRevert `Panic(17)` */
export function uint256(value: bigint): bigint {
  return fitting(value, UINT256_BITS)
}

/** @throws ChainRevert `Panic(1)` */
export function assertOnChain(condition: boolean): void {
  if (!condition) throw new ChainRevert('Panic', ASSERTION)
}

/** @throws ChainRevert `error` when the condition does not hold */
export function requireThat(condition: boolean, error: string): void {
  if (!condition) throw new ChainRevert(error)
}

function fitting(value: bigint, bits: bigint): bigint {
  if (value < 0n || value >> bits !== 0n) throw new ChainRevert('Panic', OVERFLOW)
  return value
}
