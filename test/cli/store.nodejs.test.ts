// The verbs that look at the store and clear it: ls, rm, space; and that one folder has one node at a time.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SystemRandom } from '../../src/lib/systemrandom.ts'
import { openNode } from '../../src/nodejs.ts'
import { blockCid } from '../../src/protocol/block.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import { verifyBlocks } from '../../src/storage/verifiedblock.ts'
import { quietParts } from '../bench/quietparts.ts'
import { NEVER as signal, TEST_HASHER } from '../fakes/memorystore.ts'
import { document, failure, holderOf, noise, run, scratchFolder, soundSpace, start } from './command.ts'

test('ls, space and rm on an empty folder', async () => {
  const common = ['-d', join(scratchFolder(), 'not', 'there')]
  expect(await document(['ls', ...common])).toEqual({ content: [] })
  expect(await document(['space', ...common, '-q', '1GiB'])).toEqual({
    totalBlocks: 0,
    quotaMaxBytes: 2 ** 30,
    quotaUsedBytes: 0,
    quotaReservedBytes: 0,
  })
  const cid = String(blockCid(noise(10, 1)))
  expect(await document(['rm', cid, cid, ...common])).toEqual({
    cids: [
      { cid, outcome: 'absent' },
      { cid, outcome: 'absent' },
    ],
  })
})

test('what was stored is listed as the REST row, counted, and gone once removed', async () => {
  const folder = scratchFolder()
  const common = ['-d', join(folder, 'data')]
  const bytes = noise(100_000, 1)
  writeFileSync(join(folder, 'evil\u001b[2J\nname.txt'), bytes)
  const stored = await document(['upload', join(folder, 'evil\u001b[2J\nname.txt'), ...common])
  const { cid, treeCid } = stored
  expect(await document(['ls', ...common])).toEqual({
    content: [
      {
        cid,
        manifest: {
          treeCid,
          datasetSize: 100_000,
          blockSize: 65_536,
          protected: false,
          filename: 'evil\u001b[2J\nname.txt',
          mimetype: 'text/plain',
        },
      },
    ],
  })
  const { stdout } = await run(['ls', ...common])
  expect(stdout.trimEnd().split('\n')).toHaveLength(2)
  expect(stdout).toContain('evil\\u{1b}[2J\\u{a}name.txt')
  expect((await run(['space', '--check', ...common])).stdout).toMatch(
    /^used +\S+ KiB +3 blocks\n[^]*\nthe books are right\n$/,
  )
  const block = String(blockCid(bytes.subarray(0, 65_536)))
  const refused = await run(['rm', block, '--json', ...common])
  expect(refused).toEqual({ code: 5, stdout: `{"cids":[{"cid":"${block}","outcome":"in use"}]}\n`, stderr: '' })
  const settle = await sellSlotOf(join(folder, 'data'), String(treeCid), bytes.subarray(0, 65_536))
  const sold = await run(['rm', String(cid), '--json', ...common])
  expect([sold.code, sold.stdout]).toEqual([5, `{"cids":[{"cid":"${String(cid)}","outcome":"in use"}]}\n`])
  expect(sold.stderr).toMatch(/^codex-light: slot 0 of dataset z\w+ is sold and has to be proven/)
  await settle()
  expect(await document(['rm', String(cid), ...common])).toEqual({ cids: [{ cid, outcome: 'removed' }] })
  expect(await document(['rm', String(cid), ...common])).toEqual({ cids: [{ cid, outcome: 'absent' }] })
  expect(await soundSpace(join(folder, 'data'))).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
})

/** As if this folder's node had taken a slot of one block in this tree. @returns ends it, and gives back what it took */
async function sellSlotOf(dataDir: string, treeCid: string, bytes: Uint8Array): Promise<() => Promise<void>> {
  const accounts = async (use: (open: Reservations) => Promise<unknown>): Promise<void> => {
    const node = await openNode({ dataDir, ...quietParts() })
    const { log } = quietParts()
    const { reservations } = await Reservations.open({ repo: node.repo, random: new SystemRandom(), log }, { signal })
    await use(reservations)
    await node.stop()
  }
  const terms = { duration: 1000n, pricePerBytePerSecond: 1n, collateralPerByte: 1n, slotSize: 65_536n }
  const requestId = `0x${'07'.repeat(32)}` as RequestId
  await accounts(async (reservations) => {
    const offer = { totalSize: 65_536, duration: 1000, minPricePerBytePerSecond: 1n, totalCollateral: 65_536n }
    await reservations.create(offer)
    const taken = await reservations.reserve({ ...terms, requestEnd: 4_000_000_000, requestId, slotIndex: 0 })
    const blocks = await verifyBlocks(TEST_HASHER, [{ cid: blockCid(bytes), bytes }])
    if (taken !== undefined) await reservations.put(taken.id, blocks, { indices: [0], tree: parseCid(treeCid) })
  })
  return () =>
    accounts(async (reservations) => {
      for (const { id, availabilityId } of reservations.reservations()) {
        await reservations.settle(id, 'all')
        await reservations.delete(availabilityId)
      }
    })
}

test('rm reads every CID before it removes the first', async () => {
  const folder = scratchFolder()
  const common = ['-d', join(folder, 'data')]
  writeFileSync(join(folder, 'file'), noise(10, 1))
  const { cid } = await document(['upload', join(folder, 'file'), ...common])
  const { code, error } = await failure(['rm', String(cid), 'zz!', ...common])
  expect([code, error.code]).toEqual([2, 'cid/not-base58btc'])
  expect((await document(['ls', ...common]))['content']).toHaveLength(1)
})

test('a second process is told who has the folder, and the first is not disturbed', async () => {
  const dataDir = join(scratchFolder(), 'data')
  const first = start(['upload', '-', '-d', dataDir])
  await expect.poll(() => holderOf(dataDir), { timeout: 20_000 }).toBe(String(first.child.pid))
  for (const verb of [['space'], ['ls'], ['rm', String(blockCid(noise(1, 1)))]]) {
    const { code, error } = await failure([...verb, '-d', dataDir])
    expect([code, error.code, error.detail['pid']]).toEqual([1, 'node/folder-in-use', first.child.pid])
    expect(error.message).toContain(`process ${first.child.pid}`)
  }
  first.child.stdin.end(noise(1000, 1))
  expect(await first.ended).toMatchObject({ code: 0, stderr: '' })
  expect(await soundSpace(dataDir)).toMatchObject({ totalBlocks: 2 })
})

test('a data folder that is a file, and damaged ones, are typed errors', async () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'file'), 'x')
  expect(await failure(['space', '-d', join(folder, 'file')])).toMatchObject({
    code: 1,
    error: { code: 'node/bad-folder' },
  })
  mkdirSync(join(folder, 'data', 'blocks.slab'), { recursive: true })
  expect(await failure(['space', '-d', join(folder, 'data')])).toMatchObject({
    code: 1,
    error: { code: 'slab/not-a-file' },
  })
})
