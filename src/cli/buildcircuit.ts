// The development circuit on this disk: compiled, with keys from a seed that everybody knows, built once and kept by content. What a circuit is, and how its keys are
// made, is not known here.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, link, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Proving } from '../nodejs.ts'

/** As in a name of the deployed files; a folder of them can be given wherever one of ours can. */
const FILES = {
  r1cs: 'circuit.r1cs',
  wasm: 'circuit.wasm',
  zkey: 'circuit.zkey',
  verificationKey: 'verification_key.json',
} as const
const RECORD = 'sha256.json'
/** Anybody may know it: the keys say that they are for development only. */
const SEED = 'codex-light development'
/** To be changed with what the setup makes of seed and circuit. */
const SETUP = 'v1'

type FileName = keyof typeof FILES

/** Absolute paths, and what is there. */
export interface BuiltCircuit extends Readonly<Record<FileName, string>> {
  readonly folder: string
  /** Hex, of each file. */
  readonly sha256: Readonly<Record<FileName, string>>
}

export type CircuitSize = Parameters<Proving['compileCircuit']>[0]

/** What of it is under way, for people. */
export type Tell = (what: 'compiling' | 'making keys') => void

/** @throws CodexError `circuit/no-compiler`, `circuit/cannot-keep`, or the signal's reason */
export async function buildCircuit(
  proving: Pick<Proving, 'compileCircuit' | 'devSetup' | 'cacheFolder'>,
  size: CircuitSize,
  { signal, tell }: AbortOptions & { readonly tell: Tell },
): Promise<BuiltCircuit> {
  tell('compiling')
  const compiled = await proving.compileCircuit(size, join(proving.cacheFolder, 'compiled'), { signal })
  const name = createHash('sha256').update([compiled.sha256.r1cs, compiled.sha256.wasm, SEED, SETUP].join('\n'))
  const folder = join(proving.cacheFolder, 'circuits', name.digest('hex').slice(0, 32))
  const kept = await readKept(folder)
  if (kept !== undefined) return kept
  tell('making keys')
  const { zkey, verificationKey } = await proving.devSetup({
    r1cs: await readFile(compiled.r1cs),
    seed: SEED,
    keep: false,
    signal,
  })
  try {
    await keep(folder, compiled, zkey, `${JSON.stringify(verificationKey, undefined, 2)}\n`)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CodexError('circuit/cannot-keep', `the circuit cannot be kept in ${folder}: ${why}`, {
      detail: { folder, why },
      cause,
    })
  }
  const built = await readKept(folder)
  if (built !== undefined) return built
  throw new CodexError('circuit/cannot-keep', `expected the circuit in ${folder}, found it changed meanwhile`, {
    detail: { folder },
  })
}

/** All files, or none: the folder appears under its name when it is whole. */
async function keep(
  folder: string,
  compiled: { readonly r1cs: string; readonly wasm: string },
  zkey: Uint8Array,
  verificationKey: string,
): Promise<void> {
  await mkdir(join(folder, '..'), { recursive: true, mode: 0o700 })
  const draft = await mkdtemp(join(folder, '..', 'draft-'))
  try {
    for (const name of ['r1cs', 'wasm'] as const) await place(compiled[name], join(draft, FILES[name]))
    await writeFile(join(draft, FILES.zkey), zkey)
    await writeFile(join(draft, FILES.verificationKey), verificationKey)
    await writeFile(join(draft, RECORD), JSON.stringify(await hashesIn(draft)))
    await rename(draft, folder).catch(async () => {
      // Another process was first, or what lies there is damaged.
      if ((await readKept(folder)) !== undefined) return
      await rm(folder, { recursive: true, force: true })
      await rename(draft, folder)
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Undefined where a file is missing or not what it was. */
async function readKept(folder: string): Promise<BuiltCircuit | undefined> {
  try {
    const record = JSON.parse(await readFile(join(folder, RECORD), 'utf8')) as BuiltCircuit['sha256']
    const sha256 = await hashesIn(folder)
    if (Object.entries(sha256).some(([name, hash]) => record[name as FileName] !== hash)) return undefined
    const paths = Object.entries(FILES).map(([name, file]) => [name, join(folder, file)])
    return { folder, ...(Object.fromEntries(paths) as Record<FileName, string>), sha256 }
  } catch {
    return undefined
  }
}

async function hashesIn(folder: string): Promise<Record<FileName, string>> {
  const entries = Object.entries(FILES).map(async ([name, file]) => [name, await fileHash(join(folder, file))] as const)
  return Object.fromEntries(await Promise.all(entries)) as Record<FileName, string>
}

export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** The same file twice where the disk can, else a copy. */
async function place(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to))
}
