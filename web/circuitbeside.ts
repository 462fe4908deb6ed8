// The circuit that lies beside the page, where the program that serves it has one.

import type { TabProving } from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'

export type CircuitFiles = Parameters<TabProving['createProver']>[0]['circuit']

const BESIDE = new URL('circuit/', document.baseURI)

/**
 * Undefined where there is none. The hashes come from the same place as the files: they tell a kept copy from a damaged one, no more.
 * @throws CodexError `proving/cannot-download`, or the signal's reason
 */
export async function circuitBeside(signal: AbortSignal): Promise<CircuitFiles | undefined> {
  const response = await fetch(new URL('sha256.json', BESIDE), { signal })
  if (response.status === 404) return undefined
  if (!response.ok)
    throw new CodexError(
      'proving/cannot-download',
      `the circuit beside this page cannot be had: ${await response.text()}`,
    )
  const { wasm, zkey } = (await response.json()) as { readonly wasm: string; readonly zkey: string }
  return { wasm: new URL('circuit.wasm', BESIDE), zkey: new URL('circuit.zkey', BESIDE), sha256: { wasm, zkey } }
}
