// Manifests written otherwise than we write them: they are fetched, stored by their own bytes, listed, read and removed like all others.

import { expect, it } from 'vitest'
import { fetchDataset, fetchManifest } from '../../src/exchange/fetchdataset.ts'
import { utf8 } from '../../src/lib/bytes.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { manifestCid } from '../../src/protocol/block.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { encodeManifest } from '../../src/protocol/manifestcodec.ts'
import { WireWriter } from '../../src/protocol/wire.ts'
import { verifyBlocks } from '../../src/storage/verifiedblock.ts'
import { join, runTime, testPeer } from '../fakes/exchangepeers.ts'
import { collect, NEVER, seededBytes, streamOf } from '../fakes/memorystore.ts'
import vectors from '../vectors/upload.json' with { type: 'json' }

interface Names {
  readonly filename: string | null
  readonly mimetype: string
}

function newerLayout(treeCid: Cid, datasetSize: number, { filename, mimetype }: Names): Uint8Array {
  const fields = new WireWriter().number(1, 0).bytes(2, treeCid.bytes)
  for (const [i, value] of [65_536, datasetSize, 0xcd02, 0x12, 2].entries()) fields.number(3 + i, value)
  if (filename !== null) fields.bytes(8, utf8(filename))
  return new WireWriter().bytes(1, fields.bytes(9, utf8(mimetype)).finish()).finish()
}

/** The bytes a vector's rule names. */
function bytesOf(rule: string): Uint8Array {
  const [, length, seed] = /^xorshift32 len=(\d+) seed=(\d+)$/.exec(rule) ?? []
  return rule.startsWith('text:') ? utf8(rule.slice('text:'.length)) : seededBytes(Number(length), Number(seed))
}

/** Two peers, of which one has the dataset under a manifest that `write` wrote. */
async function offered(content: Uint8Array, write: (treeCid: Cid, plain: Uint8Array) => Uint8Array) {
  const clock = new ManualClock(1_700_000_000)
  const [source, own] = [testPeer('source', clock), testPeer('own', clock)]
  const { manifest } = await source.datasets.upload(streamOf(content), { signal: NEVER })
  const bytes = write(manifest.treeCid, encodeManifest(manifest))
  const cid = manifestCid(bytes)
  await source.repo.putMany(await verifyBlocks(source.repo.parts.hasher, [{ cid, bytes }]))
  const { over } = join(source, own)
  const stopTime = runTime(clock)
  const end = async () => {
    await Promise.all([source.exchange.stop(), own.exchange.stop()])
    await over.catch(() => undefined)
    await stopTime()
  }
  return { own, bytes, cid, end }
}

async function expectFetched(content: Uint8Array, write: (treeCid: Cid, plain: Uint8Array) => Uint8Array) {
  const { own, bytes, cid, end } = await offered(content, write)
  try {
    await fetchDataset(own, cid, { signal: NEVER })
  } finally {
    await end()
  }
  const listed: unknown[] = []
  for await (const entry of own.datasets.list({ signal: NEVER }))
    listed.push([String(entry.cid), entry.manifest !== undefined])
  expect(listed).toEqual([[String(cid), true]])
  expect(await own.repo.get(cid)).toEqual(bytes)
  expect(await collect(own.datasets.read(cid, { signal: NEVER }))).toEqual(content)
  expect(await own.datasets.remove(cid, { signal: NEVER })).toBe('removed')
  expect((await own.repo.space()).quotaUsedBytes).toBe(0)
  return cid
}

it.each(vectors.newerLayout)('the newer layout: $rule $filename', async (vector) => {
  const cid = await expectFetched(bytesOf(vector.rule), (tree) => newerLayout(tree, vector.datasetSize, vector))
  expect(String(cid)).toBe(vector.manifestCidLogosLayout)
})

it('a field that we do not know', async () => {
  await expectFetched(utf8('payload'), (_, plain) =>
    new WireWriter().bytes(1, plain.subarray(2)).number(77, 5).finish(),
  )
})

it('one that is no manifest at all is refused', async () => {
  const { own, cid, end } = await offered(utf8('payload'), () => utf8('nothing of that kind'))
  await expect(fetchManifest(own, cid, { signal: NEVER })).rejects.toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^manifest\//) as string }),
  )
  await end()
})
