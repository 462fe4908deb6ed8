// A Plan that is built by saying what each block record was and becomes. The counters and units follow from that, in this one place.

import type { BlockRecord } from './blockrecord.ts'
import { encodeBlockRecord, occupies, unitsOf } from './blockrecord.ts'
import type { Change, Key } from './datastore.ts'
import type { Plan } from './ledger.ts'

export class BlockPlan {
  readonly #changes: Change[] = []
  readonly #taken: number[] = []
  readonly #freed: number[] = []
  #blocks = 0
  #used = 0

  /** The record at `key` becomes `after`; `undefined` is no record. Say it once per key. */
  replace(key: Key, before: BlockRecord | undefined, after: BlockRecord | undefined): this {
    this.#changes.push(after === undefined ? { drop: key } : { put: key, value: encodeBlockRecord(after) })
    this.#count(before, -1)
    this.#count(after, 1)
    if (before !== undefined && after !== undefined && sameUnits(before, after)) return this
    if (before !== undefined) this.#freed.push(...unitsOf(before))
    if (after !== undefined) this.#taken.push(...unitsOf(after))
    return this
  }

  /** A record that is not a block's. */
  also(...changes: readonly Change[]): this {
    for (const change of changes) this.#changes.push(change)
    return this
  }

  get plan(): Plan {
    const delta = { blocks: this.#blocks, used: this.#used }
    return {
      changes: this.#changes,
      taken: this.#taken,
      freed: this.#freed,
      ...(delta.blocks === 0 && delta.used === 0 ? {} : { delta }),
    }
  }

  #count(record: BlockRecord | undefined, sign: 1 | -1): void {
    if (record === undefined || !occupies(record)) return
    this.#blocks += sign
    this.#used += sign * record.size
  }
}

function sameUnits(a: BlockRecord, b: BlockRecord): boolean {
  const [left, right] = [unitsOf(a), unitsOf(b)]
  return left.length === right.length && left.every((unit, i) => unit === right[i])
}
