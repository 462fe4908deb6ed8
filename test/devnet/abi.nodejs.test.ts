// The compiled marketplace against the ABI of the deployed one, fragment by fragment, and against the selectors that clients send.

import { Interface } from 'ethers'
import { expect, test } from 'vitest'
import deployed from '../vectors/marketplace-abi.json' with { type: 'json' }
import vectors from '../vectors/marketplace.json' with { type: 'json' }
import { compiledContract } from '../compilecontracts.ts'

/** EIP-170. */
const MAX_CODE_BYTES = 24_576

async function faceOf(name: string): Promise<Interface> {
  return new Interface((await compiledContract(name)).abi)
}

test('the marketplace has every entry of the deployed ABI, word for word, and none besides', async () => {
  const ours = (await faceOf('Marketplace')).format().toSorted()
  expect(ours).toEqual(new Interface(deployed).format().toSorted())
  expect(ours).toHaveLength(75)
})

test('selectors and topics are those that clients send and filter by', async () => {
  const face = await faceOf('Marketplace')
  const { functions, events, errors } = vectors.selectors
  for (const [signature, selector] of Object.entries(functions))
    expect(face.getFunction(signature)?.selector).toBe(selector)
  for (const [signature, topic] of Object.entries(events)) expect(face.getEvent(signature)?.topicHash).toBe(topic)
  for (const [signature, selector] of Object.entries(errors)) expect(face.getError(signature)?.selector).toBe(selector)
  const token = await faceOf('Token')
  for (const [signature, selector] of Object.entries(vectors.selectors.tokenErrors)) {
    expect(token.getError(signature)?.selector).toBe(selector)
  }
})

test('verifier and token answer to what the marketplace and clients call', async () => {
  const verifier = await faceOf('Groth16Verifier')
  expect(verifier.format()).toEqual([
    'constructor(((uint256 x, uint256 y) alpha1, ' +
      ['beta2', 'gamma2', 'delta2']
        .map((name) => `((uint256 real, uint256 imag) x, (uint256 real, uint256 imag) y) ${name}, `)
        .join('') +
      '(uint256 x, uint256 y)[] ic) key)',
    'function verify(((uint256 x, uint256 y) a, ((uint256 real, uint256 imag) x, ' +
      '(uint256 real, uint256 imag) y) b, (uint256 x, uint256 y) c) proof, uint256[] input) view returns (bool)',
  ])
  const token = await faceOf('Token')
  for (const call of [
    'mint(address,uint256)',
    'approve(address,uint256)',
    'allowance(address,address)',
    'balanceOf(address)',
    'transfer(address,uint256)',
    'transferFrom(address,address,uint256)',
    'decimals()',
  ]) {
    expect(token.getFunction(call)?.format()).toBe(call)
  }
})

test('every contract fits on a chain', async () => {
  for (const name of ['Marketplace', 'TestMarketplace', 'Groth16Verifier', 'Token', 'AnyProofVerifier']) {
    const { deployedBytecode } = await compiledContract(name)
    expect(deployedBytecode).toMatch(/^0x([0-9a-f]{2})+$/)
    expect((deployedBytecode.length - 2) / 2).toBeLessThan(MAX_CODE_BYTES)
  }
})
