// A circuit with the names and shapes of the full one's inputs, and next to no constraints: for tests of all that stands around a proof, such as
// commands and the page, which should not wait for one of full size. It says nothing about storage.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { FULL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { ROOT } from './compilefortests.ts'
import { type KeyPaths, keysForTests } from './keysfortests.ts'

const { maxDepth, maxLog2NSlots, nFieldElemsPerCell, nSamples } = FULL_CIRCUIT

/** It wants that the root of the dataset is not zero. */
export const STUB_MAIN = `pragma circom 2.1.0;
template Stub() {
  signal input entropy;
  signal input dataSetRoot;
  signal input slotIndex;
  signal input slotRoot;
  signal input nCellsPerSlot;
  signal input nSlotsPerDataSet;
  signal input slotProof[${maxLog2NSlots}];
  signal input cellData[${nSamples}][${nFieldElemsPerCell}];
  signal input merklePaths[${nSamples}][${maxDepth}];
  signal inverse <-- dataSetRoot == 0 ? 0 : 1 / dataSetRoot;
  inverse * dataSetRoot === 1;
  signal cells[${nSamples}];
  for (var i = 0; i < ${nSamples}; i++) cells[i] <== cellData[i][0] * merklePaths[i][0];
  signal counts <== nCellsPerSlot * nSlotsPerDataSet;
  signal slot <== slotRoot * slotProof[0];
  signal both <== counts * (slot + entropy + slotIndex);
}
component main {public [entropy, dataSetRoot, slotIndex]} = Stub();
`

export function stubKeys(): Promise<KeyPaths> {
  return keysForTests(STUB_MAIN)
}

/** Puts the circuit's files where a verb, or the server of the page, takes them from. */
export async function placeStub(folder: string): Promise<void> {
  const { wasm, zkey, verificationKey } = await stubKeys()
  const hashes = await Promise.all(
    [
      ['wasm', wasm, 'circuit.wasm'],
      ['zkey', zkey, 'circuit.zkey'],
      ['verificationKey', verificationKey, 'verification_key.json'],
    ].map(async ([field = '', from = '', to = '']) => {
      const bytes = new Uint8Array(await readFile(ROOT + from))
      await writeFile(join(folder, to), bytes)
      const hash = Buffer.from(await crypto.subtle.digest('SHA-256', bytes))
      return [field, hash.toString('hex')] as const
    }),
  )
  await writeFile(join(folder, 'sha256.json'), JSON.stringify(Object.fromEntries(hashes)))
}

/** What it accepts. */
export function stubInputs(): object {
  const list = <T>(length: number, item: T): T[] => Array.from({ length }, () => item)
  return {
    entropy: '5',
    dataSetRoot: '7',
    slotIndex: 1,
    slotRoot: '2',
    nCellsPerSlot: 32,
    nSlotsPerDataSet: 2,
    slotProof: list(maxLog2NSlots, '3'),
    cellData: list(nSamples, list(nFieldElemsPerCell, '4')),
    merklePaths: list(nSamples, list(maxDepth, '6')),
  }
}
