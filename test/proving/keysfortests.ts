// Keys of a development setup for tests, in Node: made once with the kernel, kept where the test server can serve them from. What they
// are kept under tells the circuit and the sources of everything that made them.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { devSetup } from '../../src/proving/devsetup.ts'
import { generator } from '../../src/proving/generator.ts'
import type { SetupArithmetic } from '../../src/proving/setuparithmetic.ts'
import { loadField } from '../../wasm/field/loadfield.ts'
import { finish } from '../../wasm/field/sliced.ts'
import { compileForTests, ROOT } from './compilefortests.ts'

const CACHE = 'node_modules/.cache/codex-light/keys'
const SOURCES = ['src/proving', 'wasm/field']
const SEED = 'codex-light tests'

/** From the top of the repository, with forward slashes. */
export interface KeyPaths {
  readonly r1cs: string
  readonly wasm: string
  readonly zkey: string
  readonly verificationKey: string
}

/** @param seed another one makes keys that fit none of those of the first: proofs of the one are none for the other */
export async function keysForTests(main: string, seed = SEED): Promise<KeyPaths> {
  const circuit = await compileForTests(main)
  const r1cs = await readFile(ROOT + circuit.r1cs)
  const folder = `${CACHE}/${(await sourcesHash(r1cs)).slice(0, 32)}${seed === SEED ? '' : `-${seed}`}`
  const paths = { ...circuit, zkey: `${folder}/circuit.zkey`, verificationKey: `${folder}/verificationkey.json` }
  if (existsSync(ROOT + folder)) return paths
  const { zkey, verificationKey } = await devSetup({
    r1cs,
    seed,
    arithmetic: await kernelArithmetic(),
    signal: new AbortController().signal,
  })
  const draft = `${ROOT}${folder}.${process.pid}`
  await mkdir(draft, { recursive: true })
  await writeFile(join(draft, 'circuit.zkey'), zkey)
  await writeFile(join(draft, 'verificationkey.json'), JSON.stringify(verificationKey))
  // Another process may have been first, with the same content.
  await rename(draft, ROOT + folder).catch(() => rm(draft, { recursive: true }))
  return paths
}

/** On this thread, in one go. */
export async function kernelArithmetic(): Promise<SetupArithmetic> {
  const kernel = await loadField()
  return {
    fixedBaseMany: async (group, scalars) => {
      const options = { form: 'file', expected: scalars.length / 32 } as const
      const base = finish(kernel.placeBase(group === 'g1' ? 1 : 2, generator(group), options))
      const points = finish(base.multiples(scalars, 'file'))
      base.free()
      return points
    },
  }
}

async function sourcesHash(r1cs: Uint8Array): Promise<string> {
  const hash = createHash('sha256').update(r1cs)
  for (const folder of SOURCES)
    for (const name of (await readdir(ROOT + folder)).filter((file) => file.endsWith('.ts')).sort())
      hash.update(await readFile(join(ROOT, folder, name)))
  return hash.digest('hex')
}
