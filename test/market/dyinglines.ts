// RpcLines of a process that is killed at its n-th message: before it leaves, or before its answer comes back. Not a test.

import { CodexError } from '../../src/lib/errors.ts'
import type { LineOptions, PostAnswer, RpcLines, RpcSocket, SocketListener } from '../../src/market/rpclines.ts'

export class DyingLines implements RpcLines {
  readonly #inner: RpcLines
  readonly #dead: () => void
  readonly #at: number
  readonly #when: 'before' | 'after'
  #isDead = false
  posts = 0

  /** @param dead called at that moment, to end everything else of the process */
  constructor(inner: RpcLines, at: number, when: 'before' | 'after', dead: () => void) {
    this.#inner = inner
    this.#at = at
    this.#when = when
    this.#dead = dead
  }

  get isDead(): boolean {
    return this.#isDead
  }

  die(): void {
    this.#isDead = true
    this.#dead()
  }

  async post(url: string, body: string, options: LineOptions): Promise<PostAnswer> {
    if (this.#isDead) throw dead()
    const isLast = ++this.posts === this.#at
    if (isLast) this.die()
    if (isLast && this.#when === 'before') throw dead()
    const answer = await this.#inner.post(url, body, options)
    if (this.#isDead) throw dead()
    return answer
  }

  connect(url: string, listener: SocketListener, options: LineOptions): Promise<RpcSocket> {
    return this.#inner.connect(url, listener, options)
  }
}

function dead(): CodexError {
  return new CodexError('market/unreachable', 'the process was killed, as the test asked for')
}
