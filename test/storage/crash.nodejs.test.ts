// LevelDatastore under SIGKILL: what was acknowledged is there, what was not is there as a whole or not at all.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import { bundleChild } from '../children.ts'
import { acknowledge, expectWholeGenerations } from '../suites/generations.ts'
import type { Acknowledged } from '../suites/generations.ts'

const ROUNDS = process.env['LONG'] ? 300 : 6
/** A round is ended after this many acknowledgements at most, and this long after them at most. */
const MOST_ACKNOWLEDGED = 120
const LONGEST_PAUSE_MS = 15

test(`no commit is torn or lost when the process is killed, ${ROUNDS} times over`, async () => {
  const script = fileURLToPath(await bundleChild('levelgenerations'))
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-crash-'))
  const acknowledged: Acknowledged = new Map()
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await loadAndKill(script, folder, acknowledged)
      const store = await LevelDatastore.open(folder)
      try {
        await expectWholeGenerations(store, acknowledged)
      } finally {
        await store.close()
      }
    }
    expect([...acknowledged.values()].every((generation) => generation > 0)).toBe(true)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

async function loadAndKill(script: string, folder: string, acknowledged: Acknowledged): Promise<void> {
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let left = 1 + Math.floor(Math.random() * MOST_ACKNOWLEDGED)
  // Read to the end: what was printed before the kill was acknowledged.
  for await (const line of createInterface({ input: child.stdout })) {
    // The last line may be cut short; then it was never said.
    const [, writer, generation] = /^ack (\d+) (\d+)$/.exec(line) ?? []
    if (writer === undefined || generation === undefined) continue
    acknowledge(acknowledged, Number(writer), Number(generation))
    if (--left === 0) void pause(Math.random() * LONGEST_PAUSE_MS).then(() => child.kill('SIGKILL'))
  }
  const [, signal] = (await exited) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
}
