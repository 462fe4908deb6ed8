// Rows of some steps out of whatever rows are in the store, or can be had from elsewhere: read where they are there, computed from any K others where
// not. It stores nothing.

import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import type { ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import { findBlocks, haveBlocks } from '../storage/findblocks.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import { EMPTY_BLOCK, hashBlocks } from '../storage/verifiedblock.ts'
import type { CodeLayout } from './codelayout.ts'
import { isPadding, layoutOf } from './codelayout.ts'
import type { Erasure, ErasureOptions } from './erasure.ts'
import type { StepGroup } from './protectblocks.ts'
import type { RowSource } from './rowsource.ts'

export interface RecoveredBlock {
  /** In the protected dataset. */
  readonly index: number
  readonly block: VerifiedBlock
  /** Whether the store did not have it: it was computed, or came from the source. */
  readonly isRebuilt: boolean
}

export interface RecoverParts {
  readonly repo: RepoStore
  readonly erasure: Erasure
  /** Asked for rows that the store does not have, only so many as are needed; by default nobody is. */
  readonly source?: RowSource | undefined
}

/** Steps whose index records are looked at together. */
const BLOCKS_PER_LOOK = 1024

/**
 * The blocks of rows `wanted` in a group of steps, `[i][j]` that of step `firstStep + i` and row `wanted[j]`. The rows used may differ from step to step; steps with
 * the same ones are computed together. A block that turns out damaged is done without. A computed block is what the leaf of its place says, where there is one.
 * @throws CodexError `erasure/too-few-rows` naming the step, `erasure/wrong-block` naming the index, `worker/*`, the signal's reason
 */
export async function recoverSteps(
  { repo, erasure, source }: RecoverParts,
  manifest: ProtectedManifest | VerifiableManifest,
  wanted: readonly number[],
  group: StepGroup,
  options: ErasureOptions,
): Promise<RecoveredBlock[][]> {
  const rows = new StepRows(repo, manifest, wanted, group)
  await rows.read(source, options)
  const computed = await hashed(repo, await computeMissing(erasure, rows, manifest.blockSize, options))
  await checkLeaves(repo, manifest.treeCid, computed)
  return rows.steps.map((step) =>
    wanted.map((row) => {
      const index = rows.indexOf(row, step)
      const block = rows.blockAt(index)
      return { index, block: block ?? (computed.get(index) as VerifiedBlock), isRebuilt: !rows.isStored(index) }
    }),
  )
}

/**
 * Looks through the index whether every step has the rows to be recovered from, so that nothing is begun that cannot end.
 * @returns how many wanted blocks are not there
 * @throws CodexError `erasure/too-few-rows` naming the first step without, the signal's reason
 */
export async function requireRows(
  repo: RepoStore,
  manifest: ProtectedManifest | VerifiableManifest,
  wanted: readonly number[],
  { signal }: Pick<ErasureOptions, 'signal'>,
): Promise<number> {
  const layout = layoutOf(manifest)
  const count = Math.max(1, Math.floor(BLOCKS_PER_LOOK / layout.rows))
  let missing = 0
  for (let firstStep = 0; firstStep < layout.steps; firstStep += count) {
    signal.throwIfAborted()
    const rows = new StepRows(repo, manifest, wanted, { firstStep, count: Math.min(count, layout.steps - firstStep) })
    await rows.look()
    for (const step of rows.steps) missing += rows.choose(step).missing.length
  }
  return missing
}

/** What is there of a group of steps. */
class StepRows {
  readonly layout: CodeLayout
  readonly steps: readonly number[]
  readonly #repo: RepoStore
  readonly #manifest: ProtectedManifest | VerifiableManifest
  readonly #wanted: readonly number[]
  /** Indices the store has a block for, as far as the index knew and no read has shown otherwise. */
  readonly #here = new Set<number>()
  readonly #blocks = new Map<number, VerifiedBlock>()
  /** Those the source was asked for, whatever it said. */
  readonly #asked = new Set<number>()

  constructor(
    repo: RepoStore,
    manifest: ProtectedManifest | VerifiableManifest,
    wanted: readonly number[],
    { firstStep, count }: StepGroup,
  ) {
    this.layout = layoutOf(manifest)
    this.steps = Array.from({ length: count }, (_, i) => firstStep + i)
    this.#repo = repo
    this.#manifest = manifest
    this.#wanted = wanted
  }

  indexOf(row: number, step: number): number {
    return row * this.layout.steps + step
  }

  /** What was read there. */
  blockAt(index: number): VerifiedBlock | undefined {
    return isPadding(this.layout, index) ? EMPTY_BLOCK : this.#blocks.get(index)
  }

  isStored(index: number): boolean {
    return isPadding(this.layout, index) || (this.#blocks.has(index) && !this.#asked.has(index))
  }

  async look(): Promise<void> {
    const indices = Array.from({ length: this.layout.rows }, (_, row) =>
      this.steps.map((step) => this.indexOf(row, step)),
    ).flat()
    const found = await haveBlocks(this.#repo, this.#manifest.treeCid, indices)
    indices.forEach((index, i) => found[i] && this.#here.add(index))
  }

  /** Reads what is needed until all of it is there; each turn finds some block damaged or gone, and asks the source for others instead. */
  async read(source: RowSource | undefined, options: Pick<ErasureOptions, 'signal'>): Promise<void> {
    await this.look()
    for (;;) {
      if (source !== undefined) await this.#ask(source, options)
      const needed = this.steps.flatMap((step) => {
        const { given, missing } = this.choose(step)
        const rows = missing.length === 0 ? this.#wanted : [...new Set([...this.#wanted, ...given])]
        return rows.map((row) => this.indexOf(row, step)).filter((index) => this.#here.has(index))
      })
      const unread = needed.filter((index) => !this.#blocks.has(index) && !isPadding(this.layout, index))
      if (unread.length === 0) return
      const { treeCid, blockSize } = this.#manifest
      const found = await findBlocks(this.#repo, treeCid, unread, blockSize)
      for (const [i, index] of unread.entries()) {
        const block = found[i]
        if (block === undefined || block === 'missing' || block === 'damaged') this.#here.delete(index)
        else this.#blocks.set(index, block)
      }
    }
  }

  /** Until each step has enough rows, or the source no more. The wanted ones come last: they are asked for because they were lost. */
  async #ask(source: RowSource, { signal }: Pick<ErasureOptions, 'signal'>): Promise<void> {
    const { ecK, rows } = this.layout
    const others = Array.from({ length: rows }, (_, row) => row).filter((row) => !this.#wanted.includes(row))
    for (;;) {
      signal.throwIfAborted()
      const indices = this.steps.flatMap((step) => {
        const all = [...others, ...this.#wanted].map((row) => this.indexOf(row, step))
        const here = all.filter((index) => this.#isHere(index))
        if (this.#wanted.every((row) => this.#isHere(this.indexOf(row, step)))) return []
        return all
          .filter((index) => !this.#isHere(index) && !this.#asked.has(index))
          .slice(0, Math.max(0, ecK - here.length))
      })
      if (indices.length === 0) return
      const found = await source.blocks(this.#manifest.treeCid, indices, { signal })
      for (const [i, index] of indices.entries()) {
        this.#asked.add(index)
        const block = found[i]
        if (block === undefined || !this.#isBlock(block)) continue
        this.#blocks.set(index, block)
        this.#here.add(index)
      }
    }
  }

  #isBlock({ bytes, cid }: VerifiedBlock): boolean {
    return bytes.length === this.#manifest.blockSize || isEmptyBlockCid(cid)
  }

  #isHere(index: number): boolean {
    return isPadding(this.layout, index) || this.#here.has(index)
  }

  /** The wanted rows that are not there, and when there are any the K lowest rows that are. */
  choose(step: number): { readonly given: readonly number[]; readonly missing: readonly number[] } {
    const isHere = (row: number): boolean => this.#isHere(this.indexOf(row, step))
    const missing = this.#wanted.filter((row) => !isHere(row))
    if (missing.length === 0) return { given: [], missing }
    const { ecK, rows } = this.layout
    const here = Array.from({ length: rows }, (_, row) => row).filter(isHere)
    if (here.length >= ecK) return { given: here.slice(0, ecK), missing }
    throw new CodexError(
      'erasure/too-few-rows',
      `expected blocks of ${ecK} rows in step ${step} of the dataset, found ${here.length} of ${rows}`,
      { detail: { step, neededRows: ecK, foundRows: here.length, row: missing[0] } },
    )
  }
}

async function computeMissing(
  erasure: Erasure,
  rows: StepRows,
  blockSize: Bytes,
  options: ErasureOptions,
): Promise<Map<number, Uint8Array>> {
  const patterns = new Map<string, { given: readonly number[]; missing: readonly number[]; steps: number[] }>()
  for (const step of rows.steps) {
    const { given, missing } = rows.choose(step)
    if (missing.length === 0) continue
    const key = JSON.stringify([given, missing])
    const pattern = patterns.get(key) ?? { given, missing, steps: [] }
    pattern.steps.push(step)
    patterns.set(key, pattern)
  }
  const zeros = new Uint8Array(blockSize)
  const { ecK: dataCount, ecM: parityCount } = rows.layout
  const bytes = new Map<number, Uint8Array>()
  for (const { given, missing, steps } of patterns.values()) {
    const inputs = steps.map((step) =>
      given.map((row) => {
        const block = rows.blockAt(rows.indexOf(row, step))
        return block === undefined || block.bytes.length === 0 ? zeros : block.bytes
      }),
    )
    const found = await erasure.compute({ dataCount, parityCount, given, wanted: missing }, inputs, options)
    for (const [i, step] of steps.entries())
      missing.forEach((row, j) => bytes.set(rows.indexOf(row, step), found[i]?.[j] as Uint8Array))
  }
  return bytes
}

async function hashed(repo: RepoStore, bytes: ReadonlyMap<number, Uint8Array>): Promise<Map<number, VerifiedBlock>> {
  const blocks = await hashBlocks(repo.parts.hasher, [...bytes.values()])
  return new Map([...bytes.keys()].map((index, i) => [index, blocks[i] as VerifiedBlock]))
}

/** A damaged leaf is as good as none: then the slot root decides. */
async function checkLeaves(repo: RepoStore, tree: Cid, blocks: ReadonlyMap<number, VerifiedBlock>): Promise<void> {
  const indices = [...blocks.keys()]
  const leaves = await repo.getLeaves(tree, indices).catch((error: unknown) => {
    if (CodexError.is(error, 'store/corrupted-record')) return []
    throw error
  })
  for (const [i, index] of indices.entries()) {
    const [leaf, block] = [leaves[i], blocks.get(index)]
    if (leaf === undefined || block === undefined || String(leaf) === String(block.cid)) continue
    throw new CodexError(
      'erasure/wrong-block',
      `expected block ${index} of the dataset to come out as ${leaf}, found ${block.cid}: another row of its step is not what it should be`,
      { detail: { index, expected: String(leaf), found: String(block.cid) } },
    )
  }
}
