// Lets commits that wait for each other share one write: while one is on its way to the disk, those that arrive are gathered, in order,
// into the next. It is for stores whose write costs a flush. Not a transaction: each commit is still whole or absent by itself.

import { CodexError } from '../lib/errors.ts'
import { MiB } from '../lib/units.ts'
import type { Change, CommitOptions } from './datastore.ts'

/** A group takes no further commit once it holds this many changes. */
export const GROUP_CHANGES = 4096
/** A group takes no further commit once its keys and values measure this much. */
export const GROUP_BYTES = 8 * MiB

export type Durability = NonNullable<CommitOptions['durability']>

/** Writes all changes or none; on `datastore/full` surely none. */
export type WriteChanges = (changes: readonly Change[], durability: Durability) => Promise<void>

interface Waiting {
  readonly changes: readonly Change[]
  readonly durability: Durability
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * One write at a time, in the order of the calls, so that a write that has to be repeated cannot overtake a later one. The line of
 * waiting commits is as long as the calls that owners leave unsettled; it copies nothing.
 */
export class GroupCommit {
  readonly #write: WriteChanges
  readonly #waiting: Waiting[] = []
  #running = false

  constructor(write: WriteChanges) {
    this.#write = write
  }

  commit(changes: readonly Change[], durability: Durability): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#waiting.push({ changes, durability, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  /** Never rejects: every failure goes to the commits it belongs to. */
  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, groupLength(this.#waiting))
      const error = await this.#attempt(group)
      if (error === undefined) for (const commit of group) commit.resolve()
      // A small commit, perhaps one that frees space, must not fail because it travelled with a large one.
      else if (group.length > 1 && CodexError.is(error, 'datastore/full')) await this.#separately(group)
      else for (const commit of group) commit.reject(error)
    }
    this.#running = false
  }

  async #separately(group: readonly Waiting[]): Promise<void> {
    for (const commit of group) {
      const error = await this.#attempt([commit])
      if (error === undefined) commit.resolve()
      else commit.reject(error)
    }
  }

  async #attempt(group: readonly Waiting[]): Promise<unknown> {
    const [first] = group
    const changes =
      group.length === 1 && first !== undefined ? first.changes : group.flatMap((commit) => commit.changes)
    try {
      await this.#write(changes, group.some((commit) => commit.durability === 'strict') ? 'strict' : 'relaxed')
      return undefined
    } catch (error) {
      return error ?? new CodexError('datastore/failed', 'a write failed without naming a reason')
    }
  }
}

/** How many of the waiting commits travel together: at least one, and none behind the bounds. */
function groupLength(waiting: readonly Waiting[]): number {
  let changes = 0
  let bytes = 0
  for (const [index, commit] of waiting.entries()) {
    changes += commit.changes.length
    for (const change of commit.changes)
      bytes += 'put' in change ? change.put.length + change.value.length : change.drop.length
    if (index > 0 && (changes > GROUP_CHANGES || bytes > GROUP_BYTES)) return index
  }
  return waiting.length
}
