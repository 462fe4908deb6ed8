// The RepoStore against a plain model of itself: any sequence of calls, power cuts included, gives the same answers and the same books.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { treeCid } from '../../src/protocol/merkletree.ts'
import { CodexError } from '../../src/lib/errors.ts'
import type { VerifiedBlock } from '../../src/storage/verifiedblock.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import type { CrashingSlabFile } from '../fakes/crashingslabfile.ts'
import { expectBytes } from '../fakes/expectbytes.ts'
import type { TestStore } from '../fakes/memorystore.ts'
import { NEVER, TEST_HASHER, afterCrash, memoryStore, seededBytes, seededRandom } from '../fakes/memorystore.ts'

const SIZES = [10, 40_000, 65_536, 65_536, 65_536, 100_000] as const
const QUOTA = 300_000
const SETTINGS = { quotaBytes: QUOTA, blocksPerRun: 3 }
const TREES = [treeCid(seededBytes(32, 1)), treeCid(seededBytes(32, 2))] as const
const blocks = hashBlocks(
  TEST_HASHER,
  SIZES.map((size, i) => seededBytes(size, i + 1)),
)

interface ModelBlock {
  refs: number
  expiry: number
  here: boolean
}

/** What the store should believe, in a page of code. */
class Model {
  readonly blocks = new Map<number, ModelBlock>()
  readonly leaves = new Map<string, number>()
  reserved = 0

  get used(): number {
    return [...this.blocks].reduce((total, [i, { here }]) => total + (here ? (SIZES[i] as number) : 0), 0)
  }

  fits(bytes: number): boolean {
    return this.used + this.reserved + bytes <= QUOTA
  }

  has(i: number): boolean {
    return this.blocks.get(i)?.here === true
  }

  put(wanted: readonly number[], expiry: number): ('stored' | 'present')[] | undefined {
    const fresh = new Set(wanted.filter((i) => !this.has(i)))
    if (!this.fits([...fresh].reduce((total, i) => total + (SIZES[i] as number), 0))) return undefined
    for (const i of wanted) {
      const known = this.blocks.get(i)
      this.blocks.set(i, { refs: known?.refs ?? 0, expiry: Math.max(expiry, known?.expiry ?? 0), here: true })
    }
    return wanted.map((i) => (fresh.delete(i) ? 'stored' : 'present'))
  }

  drop(i: number, now: number): 'dropped' | 'absent' | 'in use' {
    const block = this.blocks.get(i)
    if (block?.here !== true) return 'absent'
    if (block.refs > 0 && block.expiry >= now) return 'in use'
    block.here = false
    if (block.refs === 0) this.blocks.delete(i)
    return 'dropped'
  }

  dropLeaf(leaf: string): number {
    const i = this.leaves.get(leaf)
    if (i === undefined) return 0
    this.leaves.delete(leaf)
    const block = this.blocks.get(i)
    if (block !== undefined && --block.refs === 0) this.blocks.delete(i)
    return 1
  }
}

const block = fc.nat(SIZES.length - 1)
const place = fc.record({ tree: fc.nat(1), index: fc.nat(3) })
const operation = fc.oneof(
  fc.record({
    op: fc.constant('put' as const),
    blocks: fc.array(block, { minLength: 1, maxLength: 4 }),
    ttl: fc.nat(50),
  }),
  fc.record({ op: fc.constant('put one by one' as const), blocks: fc.array(block, { minLength: 1, maxLength: 3 }) }),
  fc.record({ op: fc.constant('drop' as const), block }),
  fc.record({ op: fc.constant('put leaf' as const), place, block }),
  fc.record({ op: fc.constant('drop leaf' as const), place }),
  fc.record({ op: fc.constant('reserve' as const), bytes: fc.nat(200_000) }),
  fc.record({ op: fc.constant('release' as const), bytes: fc.nat(200_000) }),
  fc.record({ op: fc.constant('prolong' as const), block, ttl: fc.nat(100) }),
  fc.record({ op: fc.constant('wait' as const), seconds: fc.nat(60) }),
  fc.record({ op: fc.constant('maintain' as const) }),
  fc.record({ op: fc.constant('power cut' as const), seed: fc.nat() }),
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

it('agrees with a model of a page', async () => {
  const made = await blocks
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
      let store = memoryStore(SETTINGS)
      const model = new Model()
      for (const step of operations) {
        store = await take(store, model, step, made)
        expect(await store.repo.space()).toEqual({
          totalBlocks: [...model.blocks.values()].filter(({ here }) => here).length,
          quotaMaxBytes: QUOTA,
          quotaUsedBytes: model.used,
          quotaReservedBytes: model.reserved,
        })
      }
      expect((await store.repo.recount({ signal: NEVER })).problems).toEqual([])
      for (const [i, { cid, bytes }] of made.entries()) {
        expect(await store.repo.has(cid)).toBe(model.has(i))
        expectBytes(await store.repo.get(cid), model.has(i) ? bytes : undefined)
      }
    }),
    { numRuns: import.meta.env['LONG'] ? 3000 : 60 },
  )
})

async function take(
  store: TestStore<CrashingSlabFile>,
  model: Model,
  step: Operation,
  made: readonly VerifiedBlock[],
): Promise<TestStore<CrashingSlabFile>> {
  const { repo, clock, maintenance } = store
  const now = clock.now()
  const refused = (error: unknown): undefined => {
    expect(CodexError.is(error, 'store/quota-exceeded') || CodexError.is(error, 'store/release-exceeds-reserved')).toBe(
      true,
    )
    return undefined
  }
  switch (step.op) {
    case 'put': {
      const answer = await repo
        .putMany(
          step.blocks.map((i) => made[i] as VerifiedBlock),
          { expiry: now + step.ttl },
        )
        .catch(refused)
      expect(answer).toEqual(model.put(step.blocks, now + step.ttl))
      return store
    }
    case 'put one by one':
      for (const i of step.blocks) {
        const answer = await repo.put(made[i] as VerifiedBlock, { expiry: now + 20 }).catch(refused)
        expect(answer).toEqual(model.put([i], now + 20)?.[0])
      }
      return store
    case 'drop':
      expect(await repo.drop((made[step.block] as VerifiedBlock).cid)).toBe(model.drop(step.block, now))
      return store
    case 'put leaf': {
      const { tree, index } = step.place
      const { cid } = made[step.block] as VerifiedBlock
      const leaf = { index, blockCid: cid }
      const answer = await repo.putLeaves(TREES[tree] as (typeof TREES)[0], 4, [leaf]).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'store/block-missing' })
        return undefined
      })
      const name = `${tree}/${index}`
      if (model.leaves.has(name)) expect(answer).toBe(0)
      else if (!model.has(step.block)) expect(answer).toBe(undefined)
      else {
        expect(answer).toBe(1)
        model.leaves.set(name, step.block)
        ;(model.blocks.get(step.block) as ModelBlock).refs++
      }
      return store
    }
    case 'drop leaf': {
      const { tree, index } = step.place
      const answer = await repo.dropLeaves(TREES[tree] as (typeof TREES)[0], [index])
      expect(answer).toBe(model.dropLeaf(`${tree}/${index}`))
      return store
    }
    case 'reserve': {
      const fits = step.bytes === 0 || model.fits(step.bytes)
      expect(await repo.reserve(step.bytes).then(() => true, refused)).toBe(fits ? true : undefined)
      if (fits) model.reserved += step.bytes
      return store
    }
    case 'release': {
      const may = step.bytes <= model.reserved
      expect(await repo.release(step.bytes).then(() => true, refused)).toBe(may ? true : undefined)
      if (may) model.reserved -= step.bytes
      return store
    }
    case 'prolong': {
      if (!model.has(step.block)) return store
      await repo.ensureExpiry([(made[step.block] as VerifiedBlock).cid], now + step.ttl)
      const known = model.blocks.get(step.block) as ModelBlock
      known.expiry = Math.max(known.expiry, now + step.ttl)
      return store
    }
    case 'wait':
      clock.advance(step.seconds)
      return store
    case 'maintain': {
      // Enough runs to look at every record once, whatever the offset.
      for (let run = 0; run <= SIZES.length / SETTINGS.blocksPerRun + 1; run++) await maintenance.run({ signal: NEVER })
      for (const [i, { expiry, here }] of model.blocks) if (here && expiry < now) model.drop(i, now)
      return store
    }
    case 'power cut':
      return afterCrash(store, seededRandom(step.seed), SETTINGS)
  }
}
