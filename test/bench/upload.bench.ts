// Upload of a file in Node until it is durable, beside the machine's floor: hash every block, append the same bytes, one fsync.

import { createHash, randomFillSync } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { openFileSource } from '../../src/cli/filesource.ts'
import { GiB, KiB, MiB } from '../../src/lib/units.ts'
import { openNode } from '../../src/nodejs.ts'
import type { Bench, Place, Sample } from './harness.ts'
import { NEVER, quietParts } from './quietparts.ts'

const BLOCK_BYTES = 64 * KiB
const FLOOR_READ_BYTES = 4 * MiB
const WRITE_BYTES = 8 * MiB

export const bench: Bench = {
  name: 'upload',
  title: 'Upload of 1 GiB, Node',
  peerTitle: 'sha256 + append + one fsync',
  rounds: 5,
  figures: [
    { key: 'mibPerSecond', unit: 'MiB/s', title: 'speed', goal: { of: 'ratio', atLeast: 0.6 } },
    { key: 'peakRssMiB', unit: 'MiB', title: 'peak memory', goal: { of: 'ours', atMost: 300 } },
  ],
  prepare: writeSource,
  sides: { ours, peer: floor },
}

/** Random, so that nothing on the way can compress it or find a block twice. */
async function writeSource(place: Place): Promise<void> {
  const file = await open(sourceOf(place), 'wx')
  const piece = new Uint8Array(WRITE_BYTES)
  for (let written = 0; written < sizeOf(place); written += piece.length) await file.writeFile(randomFillSync(piece))
  await file.sync()
  await file.close()
}

async function ours(place: Place): Promise<Sample> {
  await readOnce(sourceOf(place))
  const dataDir = join(place.folder, 'data')
  const node = await openNode({ dataDir, ...quietParts() })
  await node.start({ signal: NEVER })
  const source = await openFileSource(sourceOf(place))
  const begin = performance.now()
  const { blocks } = await node.datasets.upload(source.pieces, { signal: NEVER })
  const seconds = (performance.now() - begin) / 1000
  if (blocks !== sizeOf(place) / BLOCK_BYTES) throw new Error(`stored ${blocks} blocks of ${sizeOf(place)} bytes`)
  await source.close()
  await node.stop()
  await rm(dataDir, { recursive: true })
  return { mibPerSecond: sizeOf(place) / MiB / seconds }
}

async function floor(place: Place): Promise<Sample> {
  await readOnce(sourceOf(place))
  const path = join(place.folder, 'copy')
  const source = await open(sourceOf(place), 'r')
  const copy = await open(path, 'wx')
  const buffer = new Uint8Array(FLOOR_READ_BYTES)
  const begin = performance.now()
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length)
    if (bytesRead === 0) break
    for (let at = 0; at < bytesRead; at += BLOCK_BYTES)
      createHash('sha256')
        .update(buffer.subarray(at, at + BLOCK_BYTES))
        .digest()
    const { bytesWritten } = await copy.write(buffer, 0, bytesRead)
    if (bytesWritten !== bytesRead) throw new Error(`wrote ${bytesWritten} of ${bytesRead} bytes`)
  }
  await copy.sync()
  const seconds = (performance.now() - begin) / 1000
  await Promise.all([source.close(), copy.close()])
  await rm(path)
  return { mibPerSecond: sizeOf(place) / MiB / seconds }
}

/** Brings the file into the page cache, so that both sides begin alike. */
async function readOnce(path: string): Promise<void> {
  const file = await open(path, 'r')
  const buffer = new Uint8Array(FLOOR_READ_BYTES)
  while ((await file.read(buffer, 0, buffer.length)).bytesRead > 0);
  await file.close()
}

function sourceOf({ folder }: Place): string {
  return join(folder, 'source')
}

function sizeOf({ quick }: Place): number {
  return quick ? 64 * MiB : GiB
}
