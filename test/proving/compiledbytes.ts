// Brings compiled circuits to a test, wherever it runs: Node compiles, a tab asks the test server to. It names no circuit.

import type * as VitestBrowser from 'vitest/browser'

import type * as FileSystem from 'node:fs/promises'
import type { CircuitBytes } from './circuits.ts'
import type * as CompileForTests from './compilefortests.ts'

/** What the test server offers to a tab; see `commands` in vite.config.ts. */
type Commands = (typeof VitestBrowser)['commands'] & {
  compileForTests(main: string): Promise<CompileForTests.CircuitPaths>
}

const FILE_SYSTEM = 'node:fs/promises'

export async function compiledBytes(main: string): Promise<CircuitBytes> {
  if ('window' in globalThis) {
    const { commands } = await import('vitest/browser')
    const { r1cs, wasm } = await (commands as Commands).compileForTests(main)
    return { r1cs: await fetched(r1cs), wasm: await fetched(wasm) }
  }
  const { compileForTests, ROOT } = await import('./compilefortests.ts')
  const { readFile } = (await import(/* @vite-ignore */ FILE_SYSTEM)) as typeof FileSystem
  const { r1cs, wasm } = await compileForTests(main)
  return { r1cs: plain(await readFile(ROOT + r1cs)), wasm: plain(await readFile(ROOT + wasm)) }
}

async function fetched(path: string): Promise<Uint8Array> {
  const response = await fetch(`/${path}`)
  if (!response.ok) throw new Error(`the test server has no ${path}: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
