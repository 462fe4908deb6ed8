// The circuit's templates as texts, by the names under which they include one another. The compiler is compilecircuit.ts' business.

import constants from '../poseidon2/poseidon2constants.json' with { type: 'json' }
import bits from './bits.circom?raw'
import hash from './hash.circom?raw'
import permutation from './permutation.circom?raw'
import sampleAndProve from './sampleandprove.circom?raw'
import tree from './tree.circom?raw'

/** Every file that a main component may include. */
export const TEMPLATES: Readonly<Record<string, string>> = {
  'bits.circom': bits,
  'constants.circom': constantsText(),
  'hash.circom': hash,
  'permutation.circom': permutation,
  'sampleandprove.circom': sampleAndProve,
  'tree.circom': tree,
}

/** What sizes a circuit, by circom's names for it (data reference §8.4). */
export interface CircuitParameters {
  /** Levels of a slot's tree down to its cells. */
  readonly maxDepth: number
  /** Levels of the tree over slots: at most 2^this many slots. */
  readonly maxLog2NSlots: number
  /** Of {@link maxDepth}, the levels within a block. */
  readonly blockTreeDepth: number
  readonly nFieldElemsPerCell: number
  readonly nSamples: number
}

/** Those of the deployed networks. */
export const FULL_CIRCUIT: CircuitParameters = {
  maxDepth: 32,
  maxLog2NSlots: 8,
  blockTreeDepth: 5,
  nFieldElemsPerCell: 67,
  nSamples: 5,
}

/** For tests: cells of 64 bytes, blocks of 256, slots up to 64 blocks; compiled and proven in seconds. */
export const SMALL_CIRCUIT: CircuitParameters = {
  maxDepth: 8,
  maxLog2NSlots: 3,
  blockTreeDepth: 2,
  nFieldElemsPerCell: 3,
  nSamples: 2,
}

/** The main component of a storage proof. */
export function storageProofMain(parameters: CircuitParameters): string {
  const { maxDepth, maxLog2NSlots, blockTreeDepth, nFieldElemsPerCell, nSamples } = parameters
  const list = [maxDepth, maxLog2NSlots, blockTreeDepth, nFieldElemsPerCell, nSamples].join(', ')
  return mainText('sampleandprove.circom', `{public [entropy, dataSetRoot, slotIndex]} = SampleAndProve(${list})`)
}

/**
 * A main component of one template.
 * @param component such as `Sponge(3)`
 * @param publicInputs keep wires of their own; private ones are simplified away where they are sums of others
 */
export function templateMain(file: string, component: string, publicInputs: readonly string[] = []): string {
  const list = publicInputs.length === 0 ? '' : `{public [${publicInputs.join(', ')}]} `
  return mainText(file, `${list}= ${component}`)
}

function mainText(file: string, component: string): string {
  return `pragma circom 2.1.0;\ninclude "${file}";\ncomponent main ${component};\n`
}

function constantsText(): string {
  const external = constants.external.map((row) => `[${row.join(', ')}]`)
  return [
    'pragma circom 2.1.0;',
    `function external_constants() { return [${external.join(', ')}]; }`,
    `function internal_constants() { return [${constants.internal.join(', ')}]; }`,
    '',
  ].join('\n')
}
