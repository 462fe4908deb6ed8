// The full circuit's files for the benches of proving: made once, put where both sides find them.

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { FULL_CIRCUIT, SMALL_CIRCUIT, storageProofMain } from '../../wasm/circuit/templates.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { ROOT } from '../proving/compilefortests.ts'
import { keysForTests } from '../proving/keysfortests.ts'
import { statement } from '../proving/statements.ts'
import { inputsOfCase, SLOT_CASES } from '../wasm/slotcases.ts'
import type { Place } from './harness.ts'
import type { ProvingFiles } from './provesides.ts'

const FILES = { wasm: 'circuit.wasm', zkey: 'circuit.zkey', inputs: 'inputs.json' } as const

/** @param folder made when it is missing */
export async function placeProvingFiles({ quick }: Place, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const { wasm, zkey } = await keysForTests(storageProofMain(quick ? SMALL_CIRCUIT : FULL_CIRCUIT))
  await copyFile(ROOT + wasm, join(folder, FILES.wasm))
  await copyFile(ROOT + zkey, join(folder, FILES.zkey))
  const [known] = SLOT_CASES
  if (known === undefined) throw new Error('there is no case')
  const inputs = quick ? (await statement(1)).inputs : inputsOfCase(await loadPoseidon2(), known)
  const text = JSON.stringify(inputs, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  await writeFile(join(folder, FILES.inputs), text)
}

export async function readProvingFiles(folder: string): Promise<ProvingFiles> {
  return {
    wasm: new Uint8Array(await readFile(join(folder, FILES.wasm))),
    zkey: new Uint8Array(await readFile(join(folder, FILES.zkey))),
    inputs: JSON.parse(await readFile(join(folder, FILES.inputs), 'utf8')) as ProvingFiles['inputs'],
  }
}
