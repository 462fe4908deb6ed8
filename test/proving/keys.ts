// Circuits with keys of a development setup, in Node and in a tab. Each is made once and kept under node_modules/.cache.

import type * as VitestBrowser from 'vitest/browser'

import type * as FileSystem from 'node:fs/promises'
import type { VerificationKey } from '../../src/proving/verificationkey.ts'
import type { CircuitParameters } from '../../wasm/circuit/templates.ts'
import { storageProofMain } from '../../wasm/circuit/templates.ts'
import type * as KeysForTests from './keysfortests.ts'

export interface CircuitWithKeys {
  readonly r1cs: Uint8Array
  readonly wasm: Uint8Array
  readonly zkey: Uint8Array
  readonly verificationKey: VerificationKey
}

/** What the test server offers to a tab; see `commands` in vite.config.ts. */
type Commands = (typeof VitestBrowser)['commands'] & {
  keysForTests(main: string): Promise<KeysForTests.KeyPaths>
}

const FILE_SYSTEM = 'node:fs/promises'

/** @param seed as of `keysForTests`, in Node only */
export async function circuitWithKeys(parameters: CircuitParameters, seed?: string): Promise<CircuitWithKeys> {
  const main = storageProofMain(parameters)
  const [paths, read] = 'window' in globalThis ? await fromServer(main) : await fromDisk(main, seed)
  return {
    r1cs: await read(paths.r1cs),
    wasm: await read(paths.wasm),
    zkey: await read(paths.zkey),
    verificationKey: JSON.parse(new TextDecoder().decode(await read(paths.verificationKey))) as VerificationKey,
  }
}

type Found = readonly [KeysForTests.KeyPaths, (path: string) => Promise<Uint8Array>]

async function fromDisk(main: string, seed: string | undefined): Promise<Found> {
  const { keysForTests } = await import('./keysfortests.ts')
  const { ROOT } = await import('./compilefortests.ts')
  const { readFile } = (await import(/* @vite-ignore */ FILE_SYSTEM)) as typeof FileSystem
  const read = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(ROOT + path))
  return [await keysForTests(main, seed), read]
}

async function fromServer(main: string): Promise<Found> {
  const { commands } = await import('vitest/browser')
  const read = async (path: string): Promise<Uint8Array> => {
    const response = await fetch(`/${path}`)
    if (!response.ok) throw new Error(`the test server has no ${path}: ${response.status}`)
    return new Uint8Array(await response.arrayBuffer())
  }
  return [await (commands as Commands).keysForTests(main), read]
}
