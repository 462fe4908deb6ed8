// Counts the calls that a node makes to its ports, and lets the n-th go wrong: it fails, it is late, or the power goes. Where the power has
// gone, no call is ever answered again, so that nothing of that node goes on.

import { CodexError } from '../../src/lib/errors.ts'
import type { Market } from '../../src/market/market.ts'

/** Stands between a call and what it does. */
export type Around = <T>(name: string, call: () => Promise<T>) => Promise<T>

/** `fails after`: it took effect, and the caller hears of a failure. */
export type Trip = 'fails' | 'fails after' | 'is late' | 'power goes before' | 'power goes after'

export const TRIPS: readonly Trip[] = ['fails', 'fails after', 'is late', 'power goes before', 'power goes after']

export const MARKET_VERBS = [
  ...(['request', 'requestState', 'requestEnd', 'requestExpiry', 'slotState', 'activeSlot', 'hostOf'] as const),
  ...([
    'currentCollateral',
    'canReserveSlot',
    'hasReservedSlot',
    'mySlots',
    'slotDuties',
    'challenge',
    'tokenBalance',
    'slotCollateral',
    'missingProofs',
  ] as const),
  ...(['coinBalance', 'gasPrice', 'blockInterval'] as const),
  ...(['blockAt', 'reserveSlot', 'fillSlot', 'submitProof', 'fillerOf', 'collect', 'collected'] as const),
] as const satisfies readonly (keyof Market)[]
/** Those that answer bit by bit: each bit is a call. */
export const MARKET_STREAMS = ['events', 'pastEvents'] as const satisfies readonly (keyof Market)[]

export interface TripwireParts {
  /** Which call goes wrong, counted from 1; none for 0. */
  readonly at: number
  readonly trip: Trip
  /** Cuts the node off from everything else. */
  readonly power: () => void
  /** Of a late call. */
  readonly wait: () => Promise<void>
}

export class Tripwire {
  readonly #parts: TripwireParts
  #calls = 0
  #isDead = false
  /** Of the call that went wrong. */
  tripped: string | undefined

  constructor(parts: TripwireParts) {
    this.#parts = parts
  }

  get calls(): number {
    return this.#calls
  }

  readonly around: Around = async (name, call) => {
    const { at, trip, power, wait } = this.#parts
    if (this.#isDead) return forEver()
    if (++this.#calls !== at) return this.#unlessDead(await call())
    this.tripped = name
    if (trip === 'is late') await wait()
    if (trip === 'power goes before') return this.#die(power)
    if (trip === 'fails') throw broken(name)
    const value = await call()
    if (trip === 'power goes after') return this.#die(power)
    if (trip === 'fails after') throw broken(name)
    return this.#unlessDead(value)
  }

  /** Now, wherever it is. */
  cut(): void {
    this.#isDead = true
    this.#parts.power()
  }

  #die(power: () => void): Promise<never> {
    this.#isDead = true
    power()
    return forEver()
  }

  #unlessDead<T>(value: T): T | Promise<never> {
    return this.#isDead ? forEver() : value
  }
}

/** The port with a wire around these verbs, and around each step of these streams. */
export function wired<Port extends object>(
  port: Port,
  name: string,
  verbs: readonly (keyof Port & string)[],
  around: Around,
  streams: readonly (keyof Port & string)[] = [],
): Port {
  const isOf = (names: readonly (string | symbol)[], verb: string | symbol): boolean => names.includes(verb)
  return new Proxy(port, {
    get: (target, verb) => {
      const value: unknown = Reflect.get(target, verb, target)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...args: unknown[]) => unknown
      const path = `${name}.${String(verb)}`
      if (isOf(streams, verb))
        return (...args: unknown[]) => stepwise(path, call(...args) as AsyncIterable<unknown>, around)
      if (!isOf(verbs, verb)) return call
      return (...args: unknown[]) => around(path, () => call(...args) as Promise<unknown>)
    },
  })
}

/** A stream each of whose steps is a call, its end included. */
export async function* stepwise<T>(name: string, source: AsyncIterable<T>, around: Around): AsyncGenerator<T, void> {
  const steps = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await around(name, () => steps.next())
      if (step.done === true) return
      yield step.value
    }
  } finally {
    await steps.return?.()
  }
}

/** What a port says that fails, by how its calls begin. */
const CODES: Readonly<Record<string, string>> = {
  datastore: 'datastore/failed',
  slab: 'slab/failed',
  'work.fetch': 'exchange/stalled',
  work: 'proving/failed',
  market: 'market/unreachable',
}

function broken(name: string): CodexError {
  const code = Object.entries(CODES).find(([port]) => name.startsWith(port))?.[1] ?? 'market/unreachable'
  return new CodexError(code, `${name} fails, as the test asked for`)
}

function forEver(): Promise<never> {
  return new Promise(() => undefined)
}
