// A proof of the full circuit before the verifier contract, in a real EVM.

import { AbiCoder, Interface } from 'ethers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startAnvil } from '../../src/devnet/anvil.ts'
import { toVerifyingKey } from '../../src/devnet/verifyingkey.ts'
import { toSolidityProof } from '../../src/proving/proof.ts'
import { FULL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import { compiledContract } from '../compilecontracts.ts'
import { circuitWithKeys } from '../proving/keys.ts'
import { withProver } from '../proving/withprover.ts'
import { inputsOfCase, SLOT_CASES } from '../wasm/slotcases.ts'

const { signal } = new AbortController()
const FROM = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'

test('the verifier contract accepts our proof, and no other statement or point', async () => {
  const circuit = await circuitWithKeys(FULL_CIRCUIT)
  const [, known = SLOT_CASES[0]] = SLOT_CASES
  if (known === undefined) throw new Error('there is no case')
  const anvil = await startAnvil({ signal })
  onTestFinished(() => anvil.stop())
  const { abi, bytecode } = await compiledContract('Groth16Verifier')
  const verifier = new Interface(abi as ConstructorParameters<typeof Interface>[0])
  const key = verifier.encodeDeploy([toVerifyingKey(circuit.verificationKey)])
  const hash = await anvil.rpc.call('eth_sendTransaction', [
    { from: FROM, data: bytecode + key.slice(2), gas: '0x989680' },
  ])
  // A busy node answers before it has mined.
  const receipt = await vi.waitFor(async () => {
    const found = await anvil.rpc.call<{ contractAddress: string } | null>('eth_getTransactionReceipt', [hash])
    if (found === null) throw new Error('the deployment is not mined yet')
    return found
  }, 60_000)
  const accepts = async (proof: unknown, input: readonly unknown[]): Promise<boolean> => {
    const data = verifier.encodeFunctionData('verify', [proof, input])
    const answer = await anvil.rpc.call('eth_call', [{ from: FROM, to: receipt.contractAddress, data }, 'latest'])
    return AbiCoder.defaultAbiCoder().decode(['bool'], String(answer))[0] as boolean
  }
  await withProver(circuit, async (prover) => {
    const inputs = inputsOfCase(await loadPoseidon2(), known)
    const { proof, publicSignals } = await prover.prove(inputs, { signal, rank: 'duty' })
    const solidity = toSolidityProof(proof)
    expect(await accepts(solidity, publicSignals)).toBe(true)
    for (const i of publicSignals.keys()) expect(await accepts(solidity, publicSignals.with(i, '1'))).toBe(false)
    expect(await accepts({ ...solidity, c: solidity.a }, publicSignals)).toBe(false)
    if (!import.meta.env['LONG']) return
    const again = toSolidityProof((await prover.prove(inputs, { signal, rank: 'duty' })).proof)
    expect(await accepts(again, publicSignals)).toBe(true)
    expect(await accepts({ ...solidity, c: again.c }, publicSignals)).toBe(false)
  })
}, 300_000)
