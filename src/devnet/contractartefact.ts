// A compiled contract as `dist/contracts/<Name>.json` holds it. Compiling is the build's business, deploying is deploymarketplace.ts's.

import { readFile } from 'node:fs/promises'
import { CodexError } from '../lib/errors.ts'

export interface ContractArtefact {
  /** The JSON form that the compiler writes. */
  readonly abi: readonly AbiFragment[]
  /** 0x-hex: what a deployment sends, constructor arguments follow it. */
  readonly bytecode: string
  /** 0x-hex of what lies on the chain, before immutables are filled in. */
  readonly deployedBytecode: string
}

export interface AbiFragment {
  readonly type: string
  readonly name?: string
  readonly inputs?: readonly AbiParameter[]
  readonly outputs?: readonly AbiParameter[]
  readonly stateMutability?: string
}

export interface AbiParameter {
  readonly name: string
  readonly type: string
  readonly components?: readonly AbiParameter[]
  readonly indexed?: boolean
}

/** What a devnet deploys. `AnyProofVerifier` stands in where no verification key is at hand. */
export interface DevnetArtefacts {
  readonly Marketplace: ContractArtefact
  readonly Groth16Verifier: ContractArtefact
  readonly Token: ContractArtefact
  readonly AnyProofVerifier: ContractArtefact
}

/**
 * Reads what the build wrote. @param dist the folder that `contracts/` and `devnet/` lie in, with a slash at its end
 * @throws CodexError `devnet/not-built`
 */
export async function readArtefacts(dist: URL): Promise<DevnetArtefacts> {
  const read = (path: string): Promise<ContractArtefact> => readArtefact(new URL(path, dist))
  const [Marketplace, Groth16Verifier, Token, AnyProofVerifier] = await Promise.all([
    read('contracts/Marketplace.json'),
    read('contracts/Groth16Verifier.json'),
    read('contracts/Token.json'),
    read('devnet/AnyProofVerifier.json'),
  ])
  return { Marketplace, Groth16Verifier, Token, AnyProofVerifier }
}

async function readArtefact(file: URL): Promise<ContractArtefact> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ContractArtefact
  } catch (cause) {
    const name = file.pathname.split('/').at(-1) ?? ''
    const message = `expected the compiled contract ${name} beside the command, found none that reads; run npm run build`
    throw new CodexError('devnet/not-built', message, { detail: { name }, cause })
  }
}
