// Trees on their way into the store and out of it: who holds which tree is decided here, by one at a time. What lies in a tree, and what it
// is a tree of, is the business of whoever grows it.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Mutex } from '../lib/mutex.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { manifestCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { manifestBytes } from '../protocol/manifestcodec.ts'
import { SHA2_256 } from '../protocol/multicodec.ts'
import type { Change, Key } from './datastore.ts'
import type { DropBlockOptions, DropOutcome } from './dropblock.ts'
import { sweepTree } from './dropleaves.ts'
import type { RepoStore } from './repostore.ts'
import { RECORDS_PER_PAGE } from './storeparts.ts'
import { holderKey, holdersKey } from './treeholder.ts'
import { SWEEPS_PREFIX, encodeTreeRecord, idOf, nextTreeId, readTreeRecord, sweepKey, treeKey } from './treerecord.ts'
import { verifyBlocks } from './verifiedblock.ts'

/** A tree whose leaves and nodes lie in the store under its number. */
export interface GrownTree {
  readonly treeId: number
  readonly cid: Cid
  readonly leafCount: number
}

/** A manifest that goes into the store, by the bytes it came in, and the trees that stay as long as it does. */
export interface HoldingManifest {
  readonly manifest: Manifest
  readonly holds: readonly Cid[]
}

/** What {@link HeldTrees.grow} hands to the work it runs. */
export interface Growth extends AbortOptions {
  /** A number for a new tree, noted to be swept until {@link Growth.finish} names it. */
  begin(): Promise<number>
  /** Commits records of a tree under way, some at a time. */
  store(records: Iterable<Change>): Promise<void>
  /**
   * The one commit that makes it all count: manifests, who holds which tree, and the trees' CIDs for their numbers. What was here before of such a tree
   * lies under another number; the fresh leaves and nodes take over, since they are whole for certain, and the old ones go.
   * @param expiry of the manifests
   * @param beyondBytes that these manifests may take beyond the quota
   * @returns their CIDs
   * @throws CodexError `upload/outlived`, `dataset/tree-missing` when a tree to be held is neither new nor in the store, and as `RepoStore.put`
   */
  finish(
    trees: readonly GrownTree[],
    manifests: readonly HoldingManifest[],
    expiry: Seconds,
    beyondBytes?: Bytes,
  ): Promise<Cid[]>
}

export class HeldTrees {
  readonly #repo: RepoStore
  readonly #log: Log
  /** The end of an upload must not meet a removal half-way. */
  readonly #holding = new Mutex()
  readonly #closing = new AbortController()
  readonly #leaving = new AbortController()
  readonly #underWay = new Set<Promise<unknown>>()
  /** Trees under way: noted to be swept like those of a crash, and not to be. */
  readonly #growing = new Set<number>()
  #stored: (cids: readonly Cid[]) => void = () => undefined

  constructor(repo: RepoStore, log: Log) {
    this.#repo = repo
    this.#log = log
  }

  /** `stored` hears from now on of each manifest that was stored and of the trees it holds. Must not throw. At most one. */
  watch(stored: (cids: readonly Cid[]) => void): void {
    this.#stored = stored
  }

  /** Finishes what a crash left half done: what interrupted work stored goes, and what a removal had left. */
  async recover({ signal }: AbortOptions): Promise<void> {
    for await (const [key] of this.#repo.parts.datastore.entries(SWEEPS_PREFIX, { signal })) {
      if (this.#growing.has(idOf(key))) continue
      this.#log.info('removing what an interrupted upload or removal left behind', { treeId: idOf(key) })
      await this.#undo(idOf(key), signal)
    }
  }

  /**
   * Runs `work`, which grows trees. However it ends, what it began and did not finish is gone when this settles, or left to the next start.
   * @throws what `work` throws; its signal aborts with {@link HeldTrees.close} too
   */
  async grow<T>({ signal }: AbortOptions, work: (growth: Growth) => Promise<T>): Promise<T> {
    const growing = this.#grow(AbortSignal.any([signal, this.#closing.signal]), work)
    this.#underWay.add(growing)
    try {
      return await growing
    } finally {
      this.#underWay.delete(growing)
    }
  }

  /**
   * Drops a manifest, and with it every one of these trees that it alone holds: their leaves, and every block that nothing else refers to.
   */
  async letGo(
    cid: Cid,
    trees: readonly Cid[],
    { signal, onlyExpired }: AbortOptions & Pick<DropBlockOptions, 'onlyExpired'>,
  ): Promise<DropOutcome> {
    const { outcome, ids } = await this.#holding.run(() => this.#drop(cid, trees, { signal, onlyExpired }), { signal })
    // No record names those numbers any more, so that whoever takes up the same trees meanwhile has others.
    for (const id of ids) await sweepTree(this.#repo.parts, id, signal)
    return outcome
  }

  /** From now on what is given up and what was superseded stays for the next start: to sweep much of it takes longer than a node that stops may. */
  leaveSweeps(): void {
    this.#leaving.abort(new CodexError('store/closed', 'the store is about to be closed'))
  }

  /** Ends what is under way, and waits until it has cleaned up, as far as it is to. */
  async close(): Promise<void> {
    this.#closing.abort(new CodexError('store/closed', 'the store was closed while a dataset was being stored'))
    await Promise.allSettled(this.#underWay)
  }

  async #grow<T>(signal: AbortSignal, work: (growth: Growth) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const begun: number[] = []
    try {
      return await work({
        signal,
        begin: async () => {
          const id = await this.#begin()
          begun.push(id)
          return id
        },
        store: (records) => this.#store(records, signal),
        finish: async (...what) => {
          const { cids, superseded } = await this.#holding.run(() => this.#finish(...what), { signal })
          for (const id of superseded) await this.#undo(id)
          return cids
        },
      })
    } finally {
      // Those that were finished are not noted to go any more.
      for (const id of begun) await this.#undo(id)
      for (const id of begun) this.#growing.delete(id)
    }
  }

  #begin(): Promise<number> {
    const { ledger, datastore } = this.#repo.parts
    return ledger.update(async () => {
      const [id, taken] = await nextTreeId(datastore)
      this.#growing.add(id)
      // Should a power cut lose it, all that was stored under the number afterwards is lost as well.
      return [{ changes: [taken, { put: sweepKey(id), value: NOTHING }], durability: 'relaxed' }, id]
    })
  }

  async #store(records: Iterable<Change>, signal: AbortSignal): Promise<void> {
    const { datastore } = this.#repo.parts
    let changes: Change[] = []
    for (const change of records) {
      changes.push(change)
      if (changes.length < RECORDS_PER_PAGE) continue
      signal.throwIfAborted()
      await datastore.commit(changes, RELAXED)
      changes = []
    }
    await datastore.commit(changes, RELAXED)
  }

  /** @returns the numbers of trees that go with it, noted to be swept */
  async #drop(
    cid: Cid,
    trees: readonly Cid[],
    { signal, onlyExpired }: AbortOptions & Pick<DropBlockOptions, 'onlyExpired'>,
  ): Promise<{ readonly outcome: DropOutcome; readonly ids: readonly number[] }> {
    const also: Change[] = []
    const ids: number[] = []
    let isHolder = false
    for (const tree of distinct(trees)) {
      const found = await this.#holdOf(cid, tree, signal)
      also.push({ drop: holderKey(tree, cid) })
      isHolder ||= found.isHeld
      if (found.lastId === undefined) continue
      ids.push(found.lastId)
      also.push({ drop: treeKey(tree) }, { put: sweepKey(found.lastId), value: NOTHING })
    }
    const outcome = await this.#repo.drop(cid, { also, onlyExpired })
    if (outcome === 'in use') return { outcome, ids: [] }
    // Of a dataset whose manifest was lost, the rest goes now.
    return { outcome: outcome === 'absent' && isHolder ? 'dropped' : outcome, ids }
  }

  async #finish(
    trees: readonly GrownTree[],
    manifests: readonly HoldingManifest[],
    expiry: Seconds,
    beyondBytes?: Bytes,
  ): Promise<{ readonly cids: Cid[]; readonly superseded: readonly number[] }> {
    const { datastore, hasher, clock } = this.#repo.parts
    const blocks = manifests.map(({ manifest }) => {
      const bytes = manifestBytes(manifest)
      return { cid: manifestCid(bytes), bytes }
    })
    let superseded: number[] = []
    const also = async (): Promise<Change[]> => {
      if (expiry < clock.now()) throw outlived(expiry)
      const changes: Change[] = []
      superseded = []
      for (const { treeId, cid, leafCount } of trees) {
        const before = await this.#numberOf(cid)
        const record = { id: treeId, leafCount, hasNodes: true }
        changes.push({ put: treeKey(cid), value: encodeTreeRecord(record) }, { drop: sweepKey(treeId) })
        if (before === undefined || before === treeId) continue
        superseded.push(before)
        changes.push({ put: sweepKey(before), value: NOTHING })
      }
      for (const [i, { holds }] of manifests.entries())
        for (const tree of distinct(holds)) {
          const isNew = trees.some(({ cid }) => String(cid) === String(tree))
          if (!isNew && (await readTreeRecord(datastore, tree)) === undefined) throw treeMissing(tree)
          changes.push({ put: holderKey(tree, (blocks[i] as { cid: Cid }).cid), value: NOTHING })
        }
      return changes
    }
    await this.#repo.putMany(await verifyBlocks(hasher, blocks), { expiry, also, beyondBytes })
    this.#stored([...blocks.map(({ cid }) => cid), ...distinct(manifests.flatMap(({ holds }) => holds))])
    return { cids: blocks.map(({ cid }) => cid), superseded }
  }

  /**
   * What lies in the store of the tree, to be superseded. Where its record cannot be read, the pages of a slot's tree stay under a number that nobody knows:
   * some space in the index, while those of other trees refer to blocks. @throws CodexError `store/corrupted-record` for those
   */
  async #numberOf(tree: Cid): Promise<number | undefined> {
    try {
      return (await readTreeRecord(this.#repo.parts.datastore, tree))?.id
    } catch (error) {
      if (tree.hashCode === SHA2_256 || !CodexError.is(error, 'store/corrupted-record')) throw error
      this.#log.warn('the record of a tree of a slot is damaged and made anew', { treeCid: String(tree), error })
      return undefined
    }
  }

  /** Whether the manifest holds the tree, and the tree's number where nobody else does. */
  async #holdOf(cid: Cid, tree: Cid, signal: AbortSignal): Promise<{ isHeld: boolean; lastId: number | undefined }> {
    const { datastore } = this.#repo.parts
    const holders: Key[] = []
    for await (const [key] of datastore.entries(holdersKey(tree), { signal })) {
      holders.push(key)
      if (holders.length > 1) break
    }
    const record = await readTreeRecord(datastore, tree)
    // A tree that no manifest held, such as that of a manifest fetched from a peer, is not ours to drop.
    const isHeld = (await datastore.get(holderKey(tree, cid))) !== undefined
    return { isHeld, lastId: isHeld && holders.length === 1 ? record?.id : undefined }
  }

  /**
   * Drops what lies under the number if it is noted to go: a commit whose answer was lost may have made it a dataset's. Whoever gave up waiting, it goes on.
   * A failure is no reason for the caller to fail; the note stays for the next start.
   */
  async #undo(treeId: number, signal: AbortSignal = this.#leaving.signal): Promise<void> {
    const { parts } = this.#repo
    try {
      if ((await parts.datastore.get(sweepKey(treeId))) === undefined) return
      await sweepTree(parts, treeId, signal)
    } catch (error) {
      if (signal.aborted) return this.#log.info('what is to be removed is left to the next start', { treeId })
      this.#log.warn('blocks that nobody needs stay until the next start', { treeId, error })
    }
  }
}

function distinct(cids: readonly Cid[]): Cid[] {
  return [...new Map(cids.map((cid) => [String(cid), cid])).values()]
}

/** For whoever can tell before the work is done. */
export function outlived(expiry: Seconds): CodexError<'upload/outlived'> {
  return new CodexError(
    'upload/outlived',
    'the time until which it is to be kept is over: give a later expiry or time to live',
    { detail: { expiry } },
  )
}

function treeMissing(tree: Cid): CodexError<'dataset/tree-missing'> {
  return new CodexError(
    'dataset/tree-missing',
    `expected the blocks of tree ${tree} in the store: the dataset is gone`,
    {
      detail: { treeCid: String(tree) },
    },
  )
}

const NOTHING = new Uint8Array(0)
/** What is under way counts from the strict commit on that finishes it, which makes all before it durable. */
const RELAXED = { durability: 'relaxed' } as const
