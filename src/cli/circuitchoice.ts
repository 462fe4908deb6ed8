// Which circuit a node that sells proves with: a folder, an archive that the chain names, or single files; and what was checked of it, in a sentence.

import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { NodejsNode } from '../nodejs.ts'
import { openCircuitArchive, openProving } from '../nodejs.ts'
import { findCircuit, readVerificationKey } from './circuitfiles.ts'
import { NETWORK_CIRCUITS } from './networkcircuits.ts'
import type { OptionValues } from './option.ts'
import type { START_OPTIONS } from './startoptions.ts'
import type { Call } from './verb.ts'

/** In the data folder, where nothing names another. */
const FOLDER = 'circuits'
const ARCHIVES = 'circuits'

type ProviderSettings = NonNullable<Parameters<NodejsNode['enter']>[0]['provider']>

export interface ChosenCircuit {
  readonly files: ProviderSettings['circuit']
  /** What was checked, and what is left to check. */
  readonly check: string
}

type Given = Pick<OptionValues<typeof START_OPTIONS>, 'circuit' | 'circuit-dir' | 'circom-wasm' | 'circom-zkey'>

/** Whether anything is said of a circuit. */
export async function hasCircuit(given: Given, dataDir: string): Promise<boolean> {
  if (isNamed(given)) return true
  return (await stat(join(dataDir, FOLDER)).catch(() => undefined))?.isDirectory() === true
}

/**
 * That the options name one circuit: whichever of two were taken, the other would be left out in silence.
 * @throws CodexError `cli/bad-option`
 */
export async function checkCircuitOptions(given: Given): Promise<void> {
  const { circuit } = given
  if (circuit === undefined) return
  const others = (await isArchive(circuit))
    ? (['circuit-dir', 'circom-wasm', 'circom-zkey'] as const)
    : (['circuit-dir'] as const)
  const other = others.find((name) => given[name] !== undefined)
  if (other === undefined) return
  throw new CodexError(
    'cli/bad-option',
    `expected no --${other} beside --circuit ${circuit}, which has all that is needed`,
    {
      detail: { from: `--${other}` },
    },
  )
}

/**
 * @param zkeyHash what the chain names
 * @throws CodexError `cli/bad-circuit`, `cli/no-circuit`, and as `openCircuitArchive`
 */
export async function chooseCircuit(
  given: Given,
  { dataDir, zkeyHash, call }: { readonly dataDir: string; readonly zkeyHash: string; readonly call: Call },
): Promise<ChosenCircuit> {
  const { circuit } = given
  const proving = await openProving()
  if (circuit !== undefined && (await isArchive(circuit)))
    return archived(circuit, zkeyHash, join(proving.cacheFolder, ARCHIVES), call)
  const { 'circom-wasm': wasm, 'circom-zkey': zkey } = given
  const folder = circuit ?? given['circuit-dir'] ?? join(dataDir, FOLDER)
  if (!(await hasCircuit(given, dataDir))) throw noCircuit(folder, zkeyHash)
  const files =
    wasm !== undefined && zkey !== undefined
      ? { wasm: pathToFileURL(resolve(wasm)), zkey: pathToFileURL(resolve(zkey)) }
      : (await findCircuit(proving, { circuit: folder, size: undefined, wasm, zkey }, call)).files
  return {
    files,
    check: `the circuit files of ${folder} are no archive to hold against the hash that the chain names: before the first sale a proof is made with them and verified, and before the first fill of each run the endpoint runs it (eth_call)`,
  }
}

function isNamed(given: Given): boolean {
  return [given.circuit, given['circuit-dir'], given['circom-wasm'], given['circom-zkey']].some(
    (each) => each !== undefined,
  )
}

async function archived(circuit: string, zkeyHash: string, folder: string, call: Call): Promise<ChosenCircuit> {
  if (!/^[0-9a-f]{64}$/i.test(zkeyHash))
    throw new CodexError(
      'cli/bad-circuit',
      `--circuit ${circuit}: the chain names no archive (its zkeyHash is ${JSON.stringify(zkeyHash.slice(0, 80))}), so none can be held against it; unpack it and give the folder`,
      { detail: { from: '--circuit' } },
    )
  const from = isAddress(circuit)
    ? new URL(circuit.endsWith('/') ? `${circuit}${zkeyHash}` : circuit)
    : resolve(circuit)
  const options: AbortOptions = call
  const unpacked = await call.terminal.progress({ label: 'circuit files' }, () =>
    openCircuitArchive({ from, sha256: zkeyHash.toLowerCase(), folder }, options),
  )
  const { wasm, zkey, sha256, verificationKey } = unpacked
  return {
    files: {
      wasm,
      zkey,
      sha256,
      ...(verificationKey !== undefined && { verificationKey: await readVerificationKey(verificationKey) }),
    },
    check: `the archive ${circuit} has the hash that the chain names, ${zkeyHash}`,
  }
}

async function isArchive(circuit: string): Promise<boolean> {
  if (isAddress(circuit)) return true
  return (await stat(circuit).catch(() => undefined))?.isFile() === true
}

function isAddress(circuit: string): boolean {
  return /^https?:\/\//.test(circuit)
}

function noCircuit(folder: string, zkeyHash: string): CodexError<'cli/no-circuit'> {
  return new CodexError(
    'cli/no-circuit',
    `expected circuit files in ${folder} to prove with, found none: get the archive of this chain with --circuit ${NETWORK_CIRCUITS} (its sha256 is ${zkeyHash}), or give a folder with --circuit-dir`,
    { detail: { folder, zkeyHash } },
  )
}
