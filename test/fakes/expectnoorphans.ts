// Every record about trees belongs to a tree that a manifest of the store holds: nothing was left behind, whatever happened.

import { expect } from 'vitest'

import { toHex } from '../../src/lib/bytes.ts'
import { decodeCid } from '../../src/protocol/cid.ts'
import { LEAVES_PREFIX } from '../../src/storage/leafpage.ts'
import { HOLDERS_PREFIX, readHolderKey } from '../../src/storage/treeholder.ts'
import { SWEEPS_PREFIX, readTreeRecord } from '../../src/storage/treerecord.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import type { TestStore } from './memorystore.ts'
import { NEVER } from './memorystore.ts'

const TREES = textKey('repo/trees/')
const UNDER_NUMBERS = [LEAVES_PREFIX, textKey('repo/nodes/'), textKey('repo/proofs/')]
const NUMBER_BYTES = 8

/** To be called when nothing is under way and nothing waits to be swept. */
export async function expectNoOrphans({ datastore, repo }: TestStore, what = ''): Promise<void> {
  const options = { signal: NEVER }
  const held = new Set<string>()
  for await (const [key] of datastore.entries(HOLDERS_PREFIX, options)) {
    const { tree, manifest } = readHolderKey(key)
    held.add(String(tree))
    expect(await repo.has(manifest), `${what}: ${String(manifest)} holds a tree and is there`).toBe(true)
  }
  const numbers = new Set<string>()
  for await (const [key] of datastore.entries(TREES, options)) {
    const tree = decodeCid(key.slice(TREES.length))
    expect(held, `${what}: a tree is held`).toContain(String(tree))
    const id = (await readTreeRecord(datastore, tree))?.id ?? -1
    numbers.add(id.toString(16).padStart(2 * NUMBER_BYTES, '0'))
  }
  expect(numbers.size, `${what}: trees have numbers of their own, and every held tree is there`).toBe(held.size)
  for await (const [key] of datastore.entries(SWEEPS_PREFIX, options))
    expect.fail(`${what}: tree ${toHex(key.subarray(SWEEPS_PREFIX.length))} waits to be swept`)
  for (const prefix of UNDER_NUMBERS)
    for await (const [key] of datastore.entries(prefix, options)) {
      const number = toHex(key.subarray(prefix.length, prefix.length + NUMBER_BYTES))
      expect(numbers, `${what}: ${new TextDecoder().decode(prefix)} of a tree that is there`).toContain(number)
    }
}
