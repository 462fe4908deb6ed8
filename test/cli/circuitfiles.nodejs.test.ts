// Which files of a folder are the circuit: those of the network's names first, and none in the place of which another was named.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { findCircuit } from '../../src/cli/circuitfiles.ts'

/** By the base names that were chosen; the verification key by what stands in it. */
async function found(names: readonly string[], named: { readonly wasm?: string; readonly zkey?: string } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'codex-light-circuit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of names) writeFileSync(join(folder, name), JSON.stringify(name))
  const { files } = await findCircuit({} as never, { circuit: folder, size: undefined, ...named }, {} as never)
  return [basename(files.wasm.pathname), basename(files.zkey.pathname), files.verificationKey]
}

const MAIN = ['proof_main.wasm', 'proof_main.zkey', 'proof_main_verification_key.json']

it('the files of the network’s names, whatever lies beside them', async () => {
  expect(await found([...MAIN, 'a.wasm', 'a.zkey', 'a_verification_key.json', 'proof_main.r1cs'])).toEqual(MAIN)
})

it('the only ones of any name; of two it is not known which', async () => {
  expect(await found(['a.wasm', 'b.zkey', 'verification_key.json'])).toEqual([
    'a.wasm',
    'b.zkey',
    'verification_key.json',
  ])
  expect(await found(['a.wasm', 'b.zkey'])).toEqual(['a.wasm', 'b.zkey', undefined])
  for (const names of [['a.wasm', 'b.wasm', 'a.zkey'], ['a.wasm', 'a.zkey', 'b.zkey'], ['a.wasm']])
    await expect(found(names)).rejects.toMatchObject({ code: 'cli/bad-circuit' })
})

it('one that was named settles which it is, or adds what is missing', async () => {
  expect(await found(['a.wasm', 'b.wasm', 'a.zkey'], { wasm: 'b.wasm' })).toEqual(['b.wasm', 'a.zkey', undefined])
  expect(await found(['a.zkey'], { wasm: '/elsewhere/b.wasm' })).toEqual(['b.wasm', 'a.zkey', undefined])
})

it('a key that was named does without the verification key of the folder', async () => {
  expect(await found(MAIN, { zkey: '/elsewhere/b.zkey' })).toEqual(['proof_main.wasm', 'b.zkey', undefined])
})
