// What was lost of a filled slot comes back for its proofs: from the node's own copy, from peers, or computed; no more of it than is missing, and in its
// own time, whatever a period takes.

import { expect, it, vi } from 'vitest'
import type { Cid } from '../../src/protocol/cid.ts'
import { NO_PROOF } from '../../src/market/groth16proof.ts'
import { Scope } from '../../src/lib/scope.ts'
import { range } from '../fakes/exchangepeers.ts'
import { NEVER } from '../fakes/memorystore.ts'
import { slotProvider } from '../fakes/slotprovider.ts'

const signal = NEVER
const CHALLENGE = `0x${'05'.repeat(32)}`
const LOST = 0
/** Places of its blocks in the dataset. */
const OWN = [0, 1]

/** A slot that was fetched and is proven each period, in a scope that ends with the sale. */
async function held() {
  const from = await slotProvider()
  const { start, request, fetch, own, manifest } = from
  const [work, of] = [start(), request(1)]
  const reservation = await fetch(work, of, LOST)
  const failures: unknown[] = []
  const beside = new Scope({ report: (error) => failures.push(error) })
  const built = vi.spyOn(own.slots, 'buildSlot')
  const prove = (until: AbortSignal = signal) =>
    work.prove({ request: of, slotIndex: LOST }, CHALLENGE, { signal: until, rank: 'duty', beside })
  const loseTree = () => own.repo.dropLeaves(manifest.slotRoots[LOST] as Cid, range(OWN.length))
  const loseBlocks = () => own.repo.dropLeaves(manifest.treeCid, OWN)
  return { ...from, reservation, beside, failures, built, prove, loseTree, loseBlocks }
}

it('needs nobody for the manifest', async () => {
  const { prove, own, verifiableCid, goAlone, isKept, built } = await held()
  await goAlone()
  expect(await own.repo.drop(verifiableCid)).toBe('dropped')
  expect(await prove()).toBe(NO_PROOF)
  expect(await isKept()).toBe(true)
  expect(built).not.toHaveBeenCalled()
})

it('needs nobody for the tree of the slot, which is built of the blocks that are here', async () => {
  const { prove, goAlone, loseTree, built } = await held()
  await goAlone()
  await loseTree()
  expect(await prove()).toBe(NO_PROOF)
  expect(built).toHaveBeenCalledTimes(1)
})

it('hashes nothing again where only blocks were lost', async () => {
  const { prove, loseBlocks, built, books } = await held()
  const before = await books()
  await loseBlocks()
  expect(await prove()).toBe(NO_PROOF)
  expect(built).not.toHaveBeenCalled()
  expect(await books()).toEqual(before)
})

it('goes on beyond the period that asked for it: the next proof waits for the same work', async () => {
  const { prove, loseTree, built, own, beside, failures } = await held()
  await loseTree()
  const inner = own.slots.buildSlot.bind(own.slots)
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => (release = resolve))
  const signals: AbortSignal[] = []
  built.mockRestore()
  const gated = vi.spyOn(own.slots, 'buildSlot').mockImplementation(async (...args) => {
    signals.push(args[2].signal)
    await gate
    return inner(...args)
  })
  for (const over of ['the first period is over', 'the second period is over']) {
    const period = new AbortController()
    const proving = prove(period.signal)
    await expect.poll(() => gated.mock.calls.length).toBe(1)
    period.abort(new Error(over))
    await expect(proving).rejects.toThrow(over)
  }
  const proving = prove()
  release()
  expect(await proving).toBe(NO_PROOF)
  expect(gated).toHaveBeenCalledTimes(1)
  expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  await beside.close()
  expect(failures).toEqual([])
})

it('ends with the sale, and has ended when the accounts are settled', async () => {
  const { prove, loseBlocks, beside, failures, goAlone, settle, reservation, usedBytes, books } = await held()
  await loseBlocks()
  await goAlone()
  const period = new AbortController()
  const proving = prove(period.signal)
  await expect.poll(() => beside.running).toEqual(['mending a slot'])
  period.abort(new Error('the period is over'))
  await expect(proving).rejects.toThrow('the period is over')
  expect(beside.running).toEqual(['mending a slot'])
  await beside.close()
  expect([beside.running, failures]).toEqual([[], []])
  await settle(reservation)
  expect([(await usedBytes()) > 0, (await books()).problems]).toEqual([true, []])
})

it('computes from other slots what nobody gives, and pays for it once', async () => {
  const { prove, loseBlocks, client, manifest, books, built } = await held()
  const before = await books()
  await loseBlocks()
  await client.repo.dropLeaves(manifest.treeCid, OWN)
  expect(await prove()).toBe(NO_PROOF)
  expect(built).not.toHaveBeenCalled()
  expect(await books()).toEqual(before)
})
