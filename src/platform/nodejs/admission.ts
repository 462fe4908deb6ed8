// Who may come in over WebSocket: pages of known origins, with the token where one is set, and only so many at once. What they may do once they are in
// is not decided here: they get blocks, and can name nothing else.

import { createHash, timingSafeEqual } from 'node:crypto'

export interface AdmissionPolicy {
  /** Origins of pages; `*` for every page. Pages that this machine serves are always let in. */
  readonly origins: readonly string[]
  /** To be the path of the URL. */
  readonly token: string | undefined
  readonly maxTabs: number
  /** Addresses of proxies before this node, which are believed from where visits came to them. */
  readonly proxies?: readonly string[] | undefined
}

interface Visit {
  readonly origin: string | undefined
  readonly path: string
  readonly remoteAddress: string
  readonly forwardedFor?: string | undefined
  readonly whenOver: (listener: () => void) => void
}

/** Tabs at once. */
export const DEFAULT_MAX_TABS = 64
/** Of them from one address, unless it is this machine's: a proxy there must be named to be believed whom it lets in. */
export const MAX_TABS_PER_ADDRESS = 16

const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i
const LOOPBACK_ADDRESS = /^(127\.|::1$|::ffff:127\.)/

export class Admission {
  readonly #policy: AdmissionPolicy
  readonly #byAddress = new Map<string, number>()
  #count = 0

  constructor(policy: AdmissionPolicy) {
    this.#policy = policy
  }

  /** Connections let in and not over. */
  get count(): number {
    return this.#count
  }

  /** @returns the HTTP status to refuse with: 403 for a foreign page, 401 without the token, 503 when there are too many */
  admit(visit: Visit): number | undefined {
    if (!this.#isKnown(visit.origin)) return 403
    if (!this.#hasToken(visit.path)) return 401
    const address = this.#addressOf(visit)
    const sameAddress = this.#byAddress.get(address) ?? 0
    const isCrowded = sameAddress >= MAX_TABS_PER_ADDRESS && !LOOPBACK_ADDRESS.test(address)
    if (this.#count >= this.#policy.maxTabs || isCrowded) return 503
    this.#count++
    this.#byAddress.set(address, sameAddress + 1)
    visit.whenOver(() => this.#leave(address))
    return undefined
  }

  /** The last that no trusted proxy has: what stands before it is the word of strangers. */
  #addressOf({ remoteAddress, forwardedFor = '' }: Visit): string {
    const { proxies = [] } = this.#policy
    let address = plainAddress(remoteAddress)
    const before = forwardedFor.split(',').map((each) => plainAddress(each.trim()))
    while (proxies.includes(address)) {
      const next = before.pop() ?? ''
      if (next === '') break
      address = next
    }
    return address
  }

  #leave(address: string): void {
    this.#count--
    const left = (this.#byAddress.get(address) ?? 1) - 1
    if (left > 0) this.#byAddress.set(address, left)
    else this.#byAddress.delete(address)
  }

  /** A program names no origin; it may come in like a page of this machine, for it could name any. */
  #isKnown(origin: string | undefined): boolean {
    const { origins } = this.#policy
    return origin === undefined || origins.includes('*') || origins.includes(origin) || LOOPBACK_ORIGIN.test(origin)
  }

  #hasToken(path: string): boolean {
    const { token } = this.#policy
    return token === undefined || isEqual(path.replace(/^\//, ''), token)
  }
}

/** One of version 4 in the form of version 6 is that of version 4. */
function plainAddress(text: string): string {
  return text.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase()
}

/** Takes as long for any two texts. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}
