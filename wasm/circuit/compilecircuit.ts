// Compiles circuits with circom, which comes from npm as WebAssembly, and keeps the outcome by content. A tool for Node: it blocks its
// thread for seconds, and no entry of the package needs it. What it compiles is templates.ts' business.

import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { CodexError } from '../../src/lib/errors.ts'
import { TEMPLATES } from './templates.ts'

/** Absolute paths, and the SHA-256 of what is there, in hex. */
export interface CompiledCircuit {
  readonly r1cs: string
  readonly wasm: string
  readonly sha256: { readonly r1cs: string; readonly wasm: string }
}

/** What of the package circom2 is used. */
interface Circom {
  readonly CircomRunner: new (options: object) => { execute(compiler: Uint8Array): Promise<unknown> }
  readonly bindings: object
}

/** Full simplification: without it all linear constraints stay, and the domain doubles. */
const FLAGS = ['--r1cs', '--wasm', '--O2']
const MAIN = 'circuit'
const RECORD = 'sha256.json'
const DRAFT = 'draft-'
/** No compilation takes as long: what is older is of one that was interrupted, whose thread cleared nothing away. */
const DRAFT_MS = 3_600_000

/**
 * Compiles `main` (see {@link TEMPLATES} for what it may include) into a folder of its own under `cacheFolder`, unless it is there already
 * and whole. Several processes may do so at once: folders appear complete or not at all.
 * @throws CodexError `circuit/does-not-compile`, with what the compiler said; `circuit/no-compiler` where circom2 is not installed
 */
export async function compileCircuit(main: string, cacheFolder: string): Promise<CompiledCircuit> {
  const compiler = await loadCompiler()
  const sources = { ...TEMPLATES, [`${MAIN}.circom`]: main }
  const key = sha256(JSON.stringify([sources, FLAGS, sha256(compiler.wasm)]))
  const folder = join(cacheFolder, key)
  const kept = await readKept(folder)
  if (kept !== undefined) return kept
  await mkdir(cacheFolder, { recursive: true })
  await sweepDrafts(cacheFolder)
  const draft = await mkdtemp(join(cacheFolder, DRAFT))
  try {
    await compileInto(draft, sources, compiler)
    await moveTo(folder, draft)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  const compiled = await readKept(folder)
  if (compiled !== undefined) return compiled
  throw new CodexError(
    'circuit/cache-damaged',
    `expected the compiled circuit in ${folder}, found it changed meanwhile`,
  )
}

/** Takes away what interrupted processes left half done. Another process may do so at the same time. */
async function sweepDrafts(cacheFolder: string): Promise<void> {
  for (const name of await readdir(cacheFolder)) {
    if (!name.startsWith(DRAFT)) continue
    const draft = join(cacheFolder, name)
    const changedMs = await stat(draft).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity,
    )
    // What cannot be taken away is only in the way of room.
    if (changedMs < Date.now() - DRAFT_MS) await rm(draft, { recursive: true, force: true }).catch(() => undefined)
  }
}

/** Puts `draft` at `folder`, unless something whole is there: another process may have been faster, with the same outcome. */
async function moveTo(folder: string, draft: string): Promise<void> {
  try {
    await rename(draft, folder)
  } catch {
    if ((await readKept(folder)) !== undefined) return
    await rm(folder, { recursive: true, force: true }) // Damaged.
    await rename(draft, folder)
  }
}

async function readKept(folder: string): Promise<CompiledCircuit | undefined> {
  const [r1cs, wasm] = [join(folder, `${MAIN}.r1cs`), join(folder, `${MAIN}.wasm`)]
  try {
    const record = JSON.parse(await readFile(join(folder, RECORD), 'utf8')) as CompiledCircuit['sha256']
    const found = { r1cs: sha256(await readFile(r1cs)), wasm: sha256(await readFile(wasm)) }
    return found.r1cs === record.r1cs && found.wasm === record.wasm ? { r1cs, wasm, sha256: found } : undefined
  } catch {
    return undefined
  }
}

async function compileInto(folder: string, sources: Record<string, string>, compiler: Compiler): Promise<void> {
  for (const [name, text] of Object.entries(sources)) await writeFile(join(folder, name), text)
  const said: string[] = []
  const runner = new compiler.circom.CircomRunner({
    args: [`${MAIN}.circom`, ...FLAGS],
    env: {},
    preopens: { '.': folder }, // All it can see, and there is nothing above it.
    bindings: { ...compiler.circom.bindings, fs: listening(said) },
  })
  try {
    await runner.execute(compiler.wasm)
  } catch (cause) {
    const what = withoutColours(said.join('')).trim()
    throw new CodexError('circuit/does-not-compile', `circom refused the circuit: ${what || String(cause)}`, { cause })
  }
  const wasm = join(folder, `${MAIN}.wasm`)
  await rename(join(folder, `${MAIN}_js`, `${MAIN}.wasm`), wasm)
  await rm(join(folder, `${MAIN}_js`), { recursive: true })
  const record = { r1cs: sha256(await readFile(join(folder, `${MAIN}.r1cs`))), wasm: sha256(await readFile(wasm)) }
  await writeFile(join(folder, RECORD), JSON.stringify(record))
}

interface Compiler {
  readonly circom: Circom
  readonly wasm: Uint8Array
}

/** By a name that bundlers do not follow: the compiler is nobody's dependency but the build's. */
async function loadCompiler(): Promise<Compiler> {
  const require = createRequire(import.meta.url)
  try {
    const circom = require('circom2') as Circom
    return { circom, wasm: await readFile(require.resolve('circom2/circom.wasm')) }
  } catch (cause) {
    throw new CodexError('circuit/no-compiler', 'expected the package circom2, found none: npm install circom2', {
      cause,
    })
  }
}

/** The file system as the compiler sees it, its standard streams kept instead of printed. */
function listening(said: string[]): object {
  const [stdout, stderr] = [1, 2]
  const writeSync = (fd: number, bytes: Uint8Array, ...rest: [number?, number?, number?]): number => {
    if (fd !== stdout && fd !== stderr) return fs.writeSync(fd, bytes, ...rest)
    const [from = 0, length = bytes.length - from] = rest
    said.push(new TextDecoder().decode(bytes.subarray(from, from + length)))
    return length
  }
  return { ...fs, writeSync }
}

/** The compiler paints its messages, whoever reads them. */
function withoutColours(text: string): string {
  const escape = String.fromCharCode(0x1b)
  return text
    .split(escape)
    .map((part, i) => (i === 0 ? part : part.replace(/^\[[0-9;]*m/, '')))
    .join('')
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
