// Single puts that arrive while others are being written share the next flush and commit. Each still succeeds or fails by itself.

import { MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import type { Put, PutOutcome } from './putblocks.ts'
import { putBlocks } from './putblocks.ts'
import type { StoreParts } from './storeparts.ts'

/** One flush and one commit for this many bytes of blocks. */
export const PUT_GROUP_BYTES: Bytes = 8 * MiB

interface Waiting {
  readonly put: Put
  readonly resolve: (outcome: PutOutcome) => void
  readonly reject: (error: unknown) => void
}

/** The line is as long as the calls its owners leave unsettled; it copies no bytes. */
export class PutGatherer {
  readonly #parts: StoreParts
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  put(put: Put): Promise<PutOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ put, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Settles once nothing is under way. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // What was asked for in the same turn belongs to the first group already.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const groups = groupsOf(this.#waiting, ({ put }) => put.block.bytes.length)
      const group = groups.next().value ?? []
      this.#waiting = this.#waiting.slice(group.length)
      if (!(await this.#together(group))) for (const waiting of group) await this.#alone(waiting)
    }
    this.#running = undefined
  }

  async #together(group: readonly Waiting[]): Promise<boolean> {
    try {
      const outcomes = await putBlocks(
        this.#parts,
        group.map(({ put }) => put),
      )
      group.forEach(({ resolve }, i) => resolve(outcomes[i] as PutOutcome))
      return true
    } catch {
      // One put that does not fit must not fail its neighbours: each gets its own answer.
      return false
    }
  }

  async #alone({ put, resolve, reject }: Waiting): Promise<void> {
    try {
      const [outcome] = await putBlocks(this.#parts, [put])
      resolve(outcome as PutOutcome)
    } catch (error) {
      reject(error)
    }
  }
}

/** Cuts `items` into runs of at most {@link PUT_GROUP_BYTES}, each of one item or more. */
export function* groupsOf<T>(items: readonly T[], sizeOf: (item: T) => Bytes): Generator<T[], undefined> {
  let group: T[] = []
  let size = 0
  for (const item of items) {
    if (group.length > 0 && size + sizeOf(item) > PUT_GROUP_BYTES) {
      yield group
      group = []
      size = 0
    }
    group.push(item)
    size += sizeOf(item)
  }
  if (group.length > 0) yield group
}
