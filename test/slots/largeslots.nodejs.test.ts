// A large dataset in a process of its own: slots are lost two by two and come back, memory stays bounded, nothing is left. In a long run it has 1 GiB.

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

import { bundleChild } from '../children.ts'
import type { SlotsLoad } from '../children/slotsload.ts'

const MEBIBYTES = process.env['LONG'] ? 1024 : 6
const BLOCKS_PER_MIB = 16
/** Of the whole process, kernels and threads included. */
const MAX_PEAK_MIB = 400

test(`${MEBIBYTES} MiB are protected, each slot rebuilt after it was lost with another, and the file decoded from three, within ${MAX_PEAK_MIB} MiB, off the main thread (T38)`, async () => {
  const script = fileURLToPath(await bundleChild('slotsload'))
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-slots-'))
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, folder, String(MEBIBYTES)])
    const load = JSON.parse(stdout) as SlotsLoad
    expect(load.outcomes).toEqual(Array(5).fill('ok'))
    // A row of data is padded where three rows are too many; that of parity never is.
    const steps = Math.ceil((MEBIBYTES * BLOCKS_PER_MIB) / 3)
    const padding = 3 * steps - MEBIBYTES * BLOCKS_PER_MIB
    expect(load.rebuiltBlocks).toBe(6 * steps - padding)
    expect(load.problems).toEqual([])
    expect(load.blocksLeft).toBe(0)
    expect(load.peakMiB).toBeLessThan(MAX_PEAK_MIB)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
