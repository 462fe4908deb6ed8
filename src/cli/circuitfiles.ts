// Which circuit a verb works with: a folder that was named, or the development circuit, built when it is missing.

import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CodexError } from '../lib/errors.ts'
import type { Proving } from '../nodejs.ts'
import { buildCircuit, type CircuitSize } from './buildcircuit.ts'
import { choice, text } from './option.ts'
import type { Call } from './verb.ts'

export type ProverOptions = Parameters<Proving['createProver']>[0]
export type CircuitFiles = ProverOptions['circuit']
export type VerificationKey = Parameters<Proving['verify']>[0]

/** Options of every verb that takes a circuit. */
export const CIRCUIT_OPTIONS = {
  circuit: text(
    'FOLDER',
    'with proof_main.wasm and .zkey, or one .wasm and one .zkey, and perhaps a verification key; without it the development circuit, built when it is missing',
  ),
  size: choice(
    ['full', 'small'],
    'of the development circuit: as deployed, or small for trying things out; full without it',
  ),
}

export interface FoundCircuit {
  readonly folder: string
  readonly files: { readonly wasm: URL; readonly zkey: URL; readonly verificationKey?: VerificationKey }
}

interface Given {
  readonly circuit: string | undefined
  readonly size: CircuitSize | undefined
  /** Files that stand in the place of those of the folder. */
  readonly wasm?: string | undefined
  readonly zkey?: string | undefined
}

/** What networks call their circuit, by the files' names without their endings. */
const MAIN = 'proof_main'
const KEY_ENDING = 'verification_key.json'

/** @throws CodexError `cli/bad-circuit`, and as `buildCircuit` */
export async function findCircuit(proving: Proving, given: Given, call: Call): Promise<FoundCircuit> {
  const folder = given.circuit === undefined ? await build(proving, given.size ?? 'full', call) : resolve(given.circuit)
  const names = await readdir(folder).catch((cause: unknown) => {
    throw badCircuit(folder, 'a folder with circuit files', 'none that can be read', cause)
  })
  const only = (ending: string): string => {
    const found = names.filter((name) => name.endsWith(ending))
    const name = found.includes(`${MAIN}${ending}`) ? `${MAIN}${ending}` : found[0]
    if (name === undefined || (found.length > 1 && name !== `${MAIN}${ending}`))
      throw badCircuit(folder, `${MAIN}${ending}, or one file that ends in ${ending}`, `${found.length}`)
    return name
  }
  const path = (named: string | undefined, ending: string): string =>
    named === undefined ? join(folder, only(ending)) : resolve(named)
  const files = { wasm: pathToFileURL(path(given.wasm, '.wasm')), zkey: pathToFileURL(path(given.zkey, '.zkey')) }
  // That of the folder belongs to the proving key of the folder.
  const key = given.zkey === undefined ? keyBeside(only('.zkey'), names) : undefined
  if (key === undefined) return { folder, files }
  return { folder, files: { ...files, verificationKey: await readVerificationKey(join(folder, key)) } }
}

/** The verification key of a proving key: of its name, else the only one there is. */
function keyBeside(zkey: string, names: readonly string[]): string | undefined {
  const keys = names.filter((name) => name.endsWith(KEY_ENDING))
  const own = [zkey.replace(/\.zkey$/, `_${KEY_ENDING}`), KEY_ENDING].find((name) => keys.includes(name))
  return own ?? (keys.length === 1 ? keys[0] : undefined)
}

/** @throws CodexError `cli/bad-file` */
export async function readVerificationKey(path: string): Promise<VerificationKey> {
  return (await readJsonFile(path)) as VerificationKey
}

/** @throws CodexError `cli/bad-file` where it is not there, or no JSON */
export async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CodexError('cli/bad-file', `expected JSON in ${path}, found: ${why}`, { detail: { path, why }, cause })
  }
}

function build(proving: Proving, size: CircuitSize, { terminal, signal }: Call): Promise<string> {
  return terminal.progress({ label: 'looking for the circuit' }, async (advance) => {
    const { folder } = await buildCircuit(proving, size, {
      signal,
      tell: (what) => advance(0, { label: `circuit: ${what}`, totalBytes: undefined }),
    })
    return folder
  })
}

function badCircuit(folder: string, expected: string, found: string, cause?: unknown): CodexError {
  return new CodexError('cli/bad-circuit', `--circuit ${folder}: expected ${expected}, found ${found}`, {
    detail: { from: '--circuit', folder, expected, found },
    cause,
  })
}
