// GroupCommit: which commits share a write, and what each is told.

import { expect, test } from 'vitest'

import { CodexError } from '../../src/lib/errors.ts'
import { GROUP_BYTES, GROUP_CHANGES, GroupCommit } from '../../src/storage/groupcommit.ts'
import type { Durability } from '../../src/storage/groupcommit.ts'
import type { Change } from '../../src/storage/datastore.ts'

const drop = (byte: number): Change => ({ drop: Uint8Array.of(byte) })

/** Records what is written; the first write waits for `release`. */
function recordingWrite(fail: (changes: readonly Change[]) => Error | undefined = () => undefined) {
  const writes: { readonly changes: readonly Change[]; readonly durability: Durability }[] = []
  let release = (): void => {}
  const first = new Promise<void>((resolve) => {
    release = resolve
  })
  const group = new GroupCommit(async (changes, durability) => {
    writes.push({ changes, durability })
    if (writes.length === 1) await first
    const error = fail(changes)
    if (error !== undefined) throw error
  })
  return { group, writes, release: () => release() }
}

test('commits that arrive during a write travel together, in order, strictly when one of them asks for it', async () => {
  const { group, writes, release } = recordingWrite()
  const commits = [
    group.commit([drop(0)], 'relaxed'),
    group.commit([drop(1), drop(2)], 'relaxed'),
    group.commit([drop(3)], 'strict'),
  ]
  release()
  await Promise.all(commits)
  await group.commit([drop(4)], 'relaxed')
  expect(writes).toEqual([
    { changes: [drop(0)], durability: 'relaxed' },
    { changes: [drop(1), drop(2), drop(3)], durability: 'strict' },
    { changes: [drop(4)], durability: 'relaxed' },
  ])
})

test('a group is bounded by changes and by bytes, and a commit beyond the bounds goes alone', async () => {
  const { group, writes, release } = recordingWrite()
  const half = Array.from({ length: GROUP_CHANGES / 2 }, () => drop(1))
  const large: Change[] = [{ put: Uint8Array.of(1), value: new Uint8Array(GROUP_BYTES + 1) }]
  const commits = [[drop(0)], half, half, half, large, [drop(2)]].map((changes) => group.commit(changes, 'strict'))
  release()
  await Promise.all(commits)
  expect(writes.map(({ changes }) => changes.length)).toEqual([1, GROUP_CHANGES, GROUP_CHANGES / 2, 1, 1])
})

test('a failure is told to every commit of the group, and the next ones go on', async () => {
  const broken = new CodexError('datastore/failed', 'broken')
  const { group, release } = recordingWrite((changes) => (changes.length === 2 ? broken : undefined))
  const commits = [
    group.commit([drop(0)], 'strict'),
    group.commit([drop(1)], 'strict'),
    group.commit([drop(2)], 'strict'),
  ]
  release()
  const settled = await Promise.allSettled(commits)
  expect(settled).toEqual([
    { status: 'fulfilled', value: undefined },
    { status: 'rejected', reason: broken },
    { status: 'rejected', reason: broken },
  ])
  await group.commit([drop(3)], 'strict')
})

test('a group that found no room is tried one by one', async () => {
  const full = new CodexError('datastore/full', 'full')
  const { group, writes, release } = recordingWrite((changes) =>
    changes.some((change) => 'put' in change) ? full : undefined,
  )
  const large: Change[] = [{ put: Uint8Array.of(9), value: new Uint8Array(9) }]
  const commits = [group.commit([drop(0)], 'strict'), group.commit(large, 'strict'), group.commit([drop(1)], 'strict')]
  release()
  const settled = await Promise.allSettled(commits)
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(writes.map(({ changes }) => changes.length)).toEqual([1, 2, 1, 1])
})
