// Compiles our Solidity with npm's solc and remembers the result by content: for the build, which writes it to `dist`, and for
// tests, which need no build. Nothing of it is in the package.

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

import manifest from '../package.json' with { type: 'json' }
import type { ContractArtefact } from '../src/devnet/contractartefact.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = join(ROOT, 'node_modules/.cache/codex-light')
/** Contracts that are deployed, and those that only tests deploy. */
const FOLDERS = ['src/devnet/contracts', 'test/contracts']

/** As the deployed contracts were compiled (marketplace reference §10); without a hash of the sources the code is reproducible. */
const SETTINGS = {
  evmVersion: 'paris',
  optimizer: { enabled: true, runs: 1000 },
  metadata: { appendCBOR: false, bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
}

/** By contract name. */
export type CompiledContracts = Readonly<Record<string, ContractArtefact>>

let compiled: Promise<CompiledContracts> | undefined

/** Every contract of ours that can be deployed, by name. Compiles only what no earlier call, in whatever process, has compiled. */
export function compileContracts(): Promise<CompiledContracts> {
  compiled ??= compileOrRecall()
  return compiled
}

/** The contract of that name. */
export async function compiledContract(name: string): Promise<ContractArtefact> {
  const contract = (await compileContracts())[name]
  if (contract === undefined) throw new Error(`found no contract ${name} in ${FOLDERS.join(', ')}`)
  return contract
}

async function compileOrRecall(): Promise<CompiledContracts> {
  const input = JSON.stringify({ language: 'Solidity', sources: await readSources(), settings: SETTINGS })
  const hash = createHash('sha256').update(manifest.devDependencies.solc).update(input).digest('hex')
  const path = join(CACHE, `contracts-${hash.slice(0, 32)}.json`)
  try {
    return JSON.parse(await readFile(path, 'utf8')) as CompiledContracts
  } catch {
    const contracts = await compile(input)
    await mkdir(CACHE, { recursive: true })
    // Renamed into place, because several test files may compile at once.
    const half = `${path}.${randomUUID()}`
    await writeFile(half, JSON.stringify(contracts))
    await rename(half, path)
    return contracts
  }
}

type Sources = Record<string, { readonly content: string }>

/** Our sources and all that they import, by path from the top of the repository or of the package. */
async function readSources(): Promise<Sources> {
  const sources: Sources = {}
  const add = async (name: string): Promise<void> => {
    if (name in sources) return
    const content = await readFile(join(ROOT, name.startsWith('@') ? 'node_modules' : '', name), 'utf8')
    sources[name] = { content }
    for (const [, imported = ''] of content.matchAll(/^\s*import\b[^;"']*["']([^"']+)["']/gm)) {
      await add(imported.startsWith('.') ? posix.join(posix.dirname(name), imported) : imported)
    }
  }
  for (const folder of FOLDERS) {
    const names = (await readdir(join(ROOT, folder))).filter((name) => name.endsWith('.sol')).sort()
    for (const name of names) await add(`${folder}/${name}`)
  }
  return sources
}

interface CompilerOutput {
  readonly errors?: readonly Complaint[]
  readonly contracts?: Readonly<Record<string, Readonly<Record<string, CompilerContract>>>>
}

interface Complaint {
  readonly severity: 'error' | 'warning' | 'info'
  readonly formattedMessage: string
  readonly sourceLocation?: { readonly file: string }
}

interface CompilerContract {
  readonly abi: ContractArtefact['abi']
  readonly evm: {
    readonly bytecode: { readonly object: string }
    readonly deployedBytecode: { readonly object: string }
  }
}

async function compile(input: string): Promise<CompiledContracts> {
  const { default: solc } = (await import('solc')) as { default: { compile(input: string): string } }
  const output = JSON.parse(solc.compile(input)) as CompilerOutput
  const complaints = (output.errors ?? []).filter(isOurs)
  if (complaints.length > 0) throw new Error(complaints.map(({ formattedMessage }) => formattedMessage).join('\n'))
  const contracts: Record<string, ContractArtefact> = {}
  for (const [file, inFile] of Object.entries(output.contracts ?? {})) {
    if (file.startsWith('@')) continue
    for (const [name, { abi, evm }] of Object.entries(inFile)) {
      if (evm.bytecode.object === '') continue
      contracts[name] = {
        abi,
        bytecode: `0x${evm.bytecode.object}`,
        deployedBytecode: `0x${evm.deployedBytecode.object}`,
      }
    }
  }
  return contracts
}

/** A warning about our sources counts as an error; what warns about a package is for its authors. */
function isOurs({ severity, sourceLocation }: Complaint): boolean {
  return severity === 'error' || (severity === 'warning' && sourceLocation?.file.startsWith('@') !== true)
}
