import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { FileArtefacts } from '../../src/platform/nodejs/fileartefacts.ts'
import { devSetup } from '../../src/proving/devsetup.ts'
import { keptSetup } from '../../src/proving/keptsetup.ts'
import { slowSetupArithmetic } from '../../src/proving/slowsetuparithmetic.ts'
import { tinyR1cs } from './tinycircuit.ts'

const { signal } = new AbortController()

it('a development setup is made once for each circuit and seed, and anew where what was kept is damaged', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-setups-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const r1cs = tinyR1cs()
  const keys = await devSetup({ r1cs, seed: 'a', arithmetic: slowSetupArithmetic, signal })
  let made = 0
  const setup = (seed: string | Uint8Array, place = folder) =>
    keptSetup(
      {
        r1cs,
        seed,
        store: new FileArtefacts(place),
        make: async () => {
          made++
          return keys
        },
      },
      { signal },
    )
  for (const seed of ['a', 'a', new TextEncoder().encode('a')]) expect(await setup(seed)).toEqual(keys)
  expect(made).toBe(1)
  await setup('b')
  expect(made).toBe(2)
  for (const name of (await readdir(folder)).filter((found) => found.endsWith('.devsetup'))) {
    const bytes = await readFile(join(folder, name))
    bytes[bytes.length - 40] = (bytes[bytes.length - 40] ?? 0) ^ 1
    await writeFile(join(folder, name), bytes)
  }
  expect([await setup('a'), made]).toEqual([keys, 3])
  // A place that cannot be written to costs the keeping, not the keys.
  await writeFile(join(folder, 'file'), '')
  expect([await setup('a', join(folder, 'file')), made]).toEqual([keys, 4])
})
