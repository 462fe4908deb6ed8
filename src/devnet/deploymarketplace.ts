// Puts token, verifier and marketplace on a local chain whose accounts are unlocked. Starting the chain is anvil.ts's business.

import { AbiCoder, getCreateAddress, Interface } from 'ethers'
import { CodexError } from '../lib/errors.ts'
import type { MarketplaceConfiguration } from './configuration.ts'
import type { ContractArtefact, DevnetArtefacts } from './contractartefact.ts'
import { type JsonRpc, quantity } from './jsonrpc.ts'
import type { VerifyingKey } from './verifyingkey.ts'

export interface DeployOptions {
  readonly rpc: JsonRpc
  readonly artefacts: Omit<DevnetArtefacts, 'Groth16Verifier'> & Partial<DevnetArtefacts>
  readonly configuration: MarketplaceConfiguration
  /** Of the circuit whose proofs count; without one every proof does but that of all zeros. */
  readonly verifyingKey?: VerifyingKey | undefined
  /** Unlocked, with ether; default: the chain's first. */
  readonly deployer?: string
}

/** Addresses in lower case. */
export interface Deployment {
  readonly marketplace: string
  readonly token: string
  readonly verifier: string
  /** The marketplace's; no event of it is older. */
  readonly block: number
}

/** The marketplace asks for hashes of 256 earlier blocks. */
export const BLOCKS_BEFORE_DEPLOYMENT = 257
/** With it the first account's marketplace lies where nodes look for it on chain 31337 (marketplace reference §3.11). */
const MARKETPLACE_NONCE = 23
const GAS_LIMIT = 15_000_000

/**
 * The chain must be {@link BLOCKS_BEFORE_DEPLOYMENT} blocks high, and mine a block for each transaction or by itself.
 * @throws CodexError `devnet/deployment-failed`
 */
export async function deployMarketplace(options: DeployOptions): Promise<Deployment> {
  const { rpc, artefacts, configuration, verifyingKey } = options
  const from = options.deployer ?? (await rpc.call<readonly string[]>('eth_accounts'))[0]
  if (from === undefined) throw new CodexError('devnet/deployment-failed', 'expected an unlocked account, found none')
  const deploy = (artefact: ContractArtefact, ...args: unknown[]) => deployContract(rpc, from, artefact, args)
  const token = await deploy(artefacts.Token)
  const verifier = await deployVerifier(artefacts, verifyingKey, deploy)
  const nonce = Number(await rpc.call<string>('eth_getTransactionCount', [from, 'latest']))
  if (nonce < MARKETPLACE_NONCE) await rpc.call('anvil_setNonce', [from, quantity(MARKETPLACE_NONCE)])
  const marketplace = await deploy(artefacts.Marketplace, configuration, token.address, verifier.address)
  return {
    marketplace: marketplace.address,
    token: token.address,
    verifier: verifier.address,
    block: marketplace.block,
  }
}

interface Deployed {
  readonly address: string
  readonly block: number
}

function deployVerifier(
  artefacts: DeployOptions['artefacts'],
  key: VerifyingKey | undefined,
  deploy: (artefact: ContractArtefact, ...args: unknown[]) => Promise<Deployed>,
): Promise<Deployed> {
  if (key === undefined) return deploy(artefacts.AnyProofVerifier)
  const { Groth16Verifier } = artefacts
  if (Groth16Verifier !== undefined) return deploy(Groth16Verifier, key)
  throw new CodexError(
    'devnet/deployment-failed',
    'expected the compiled Groth16Verifier, because there is a key; found none',
  )
}

/** @throws CodexError `devnet/deployment-failed` when the constructor reverts, with its data */
export async function deployContract(
  rpc: JsonRpc,
  from: string,
  { abi, bytecode }: ContractArtefact,
  args: readonly unknown[],
): Promise<Deployed> {
  const face = new Interface(abi)
  const data = bytecode + AbiCoder.defaultAbiCoder().encode(face.deploy.inputs, args).slice(2)
  try {
    // A failed call says why, a failed transaction does not.
    await rpc.call('eth_call', [{ from, data }, 'pending'])
    const nonce = Number(await rpc.call<string>('eth_getTransactionCount', [from, 'pending']))
    const hash = await rpc.call<string>('eth_sendTransaction', [{ from, data, gas: quantity(GAS_LIMIT) }])
    return { address: getCreateAddress({ from, nonce }).toLowerCase(), block: await blockOf(rpc, hash) }
  } catch (cause) {
    if (!CodexError.is(cause, 'devnet/rpc-refused')) throw cause
    const { rpcMessage, data: revertData } = cause.detail
    const error = typeof revertData === 'string' ? face.parseError(revertData)?.name : undefined
    const message = `expected to deploy a contract, found: ${error ?? String(rpcMessage)}`
    throw new CodexError('devnet/deployment-failed', message, { detail: { error, data: revertData }, cause })
  }
}

/** Polled, because no later block need come to wake who waits. */
async function blockOf(rpc: JsonRpc, hash: string): Promise<number> {
  for (;;) {
    const receipt = await rpc.call<Receipt | null>('eth_getTransactionReceipt', [hash])
    if (receipt === null) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      continue
    }
    if (receipt.status === '0x1') return Number(receipt.blockNumber)
    throw new CodexError('devnet/deployment-failed', `expected to deploy a contract, found that ${hash} failed`)
  }
}

interface Receipt {
  readonly status: string
  readonly blockNumber: string
}
