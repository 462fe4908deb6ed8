// The circuit's input for a slot of 1 GiB, from the store in Node: how long, and how many blocks are read for it.

import { randomBytes, randomFillSync } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { GiB, MiB } from '../../src/lib/units.ts'
import { openNode } from '../../src/nodejs.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import type { Bench, Place, Sample } from './harness.ts'
import { NEVER, quietParts } from './quietparts.ts'

const PIECE_BYTES = 8 * MiB
const CHALLENGES = 25

export const bench: Bench = {
  name: 'proof-inputs',
  title: 'Proof inputs, slot of 1 GiB, Node',
  rounds: 3,
  figures: [
    { key: 'medianMs', unit: 'ms', title: 'median', goal: { of: 'ours', atMost: 150 } },
    { key: 'slowestMs', unit: 'ms', title: 'slowest' },
  ],
  sides: { ours },
}

async function ours(place: Place): Promise<Sample> {
  const node = await openNode({ dataDir: join(place.folder, 'data'), ...quietParts() })
  await node.start({ signal: NEVER })
  const note = join(place.folder, 'cid')
  if (!existsSync(note)) {
    const { cid } = await node.datasets.upload(noise(place.quick ? 16 * MiB : GiB), { signal: NEVER })
    // One slot of data, one of parity: the smallest dataset whose slots are that large.
    const { verifiableCid } = await node.slots.protect(cid, { ecK: 1, ecM: 1, signal: NEVER })
    writeFileSync(note, String(verifiableCid))
  }
  const cid = parseCid(readFileSync(note, 'utf8'))
  const found: number[] = []
  for (let i = 0; i <= CHALLENGES; i++) {
    const challenge = `0x${randomBytes(32).toString('hex')}`
    const begin = performance.now()
    await node.slots.proofInputs(cid, i % 2, challenge, { signal: NEVER, rank: 'duty' })
    // The first one waits for a worker to load.
    if (i > 0) found.push(performance.now() - begin)
  }
  await node.stop()
  found.sort((a, b) => a - b)
  return { medianMs: found[Math.floor(found.length / 2)] ?? Number.NaN, slowestMs: found.at(-1) ?? Number.NaN }
}

async function* noise(bytes: number): AsyncGenerator<Uint8Array, void> {
  for (let sent = 0; sent < bytes; sent += PIECE_BYTES) yield randomFillSync(new Uint8Array(PIECE_BYTES))
}
