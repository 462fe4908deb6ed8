// The ERC-20 of the fake chain: balances, allowances, and the errors of the real one in its order.

import { ChainRevert, uint256 } from './chainrevert.ts'
import { ChainMap, type FakeChain } from './fakechain.ts'

const NOBODY = `0x${'0'.repeat(40)}`
/** An allowance that does not get less. */
const UNLIMITED = 2n ** 256n - 1n

/** Addresses are in lower case throughout. */
export class FakeToken {
  readonly #balances: ChainMap<bigint>
  readonly #allowances: ChainMap<bigint>
  readonly #supply: ChainMap<bigint>

  constructor(chain: FakeChain) {
    this.#balances = new ChainMap(chain)
    this.#allowances = new ChainMap(chain)
    this.#supply = new ChainMap(chain)
  }

  balanceOf(holder: string): bigint {
    return this.#balances.get(holder) ?? 0n
  }

  allowance(owner: string, spender: string): bigint {
    return this.#allowances.get(`${owner} ${spender}`) ?? 0n
  }

  mint(holder: string, amount: bigint): void {
    if (holder === NOBODY) throw new ChainRevert('ERC20InvalidReceiver', NOBODY)
    this.#supply.set('', uint256((this.#supply.get('') ?? 0n) + amount))
    this.#balances.set(holder, this.balanceOf(holder) + amount)
  }

  approve(owner: string, spender: string, amount: bigint): void {
    if (spender === NOBODY) throw new ChainRevert('ERC20InvalidSpender', NOBODY)
    this.#allowances.set(`${owner} ${spender}`, amount)
  }

  transfer(from: string, to: string, amount: bigint): void {
    if (to === NOBODY) throw new ChainRevert('ERC20InvalidReceiver', NOBODY)
    const balance = this.balanceOf(from)
    if (balance < amount) throw new ChainRevert('ERC20InsufficientBalance', from, balance, amount)
    this.#balances.set(from, balance - amount)
    this.#balances.set(to, this.balanceOf(to) + amount)
  }

  /** By `spender`, out of what `from` allows it. */
  transferFrom(spender: string, from: string, to: string, amount: bigint): void {
    const allowance = this.allowance(from, spender)
    if (allowance !== UNLIMITED) {
      if (allowance < amount) throw new ChainRevert('ERC20InsufficientAllowance', spender, allowance, amount)
      this.#allowances.set(`${from} ${spender}`, allowance - amount)
    }
    this.transfer(from, to, amount)
  }
}
