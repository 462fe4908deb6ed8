// Every function of `codex-light/slots` with every hostile value in every place: a value or a CodexError comes out, nothing else. Run through the entry
// of each runtime.

import { beforeAll, describe, expect, it } from 'vitest'
import type * as entry from '../../src/entries/slots.nodejs.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { hostileCalls, refusesPolitely } from '../protocol/hostilevalues.ts'

type Entry = typeof entry
type Call = (...args: readonly unknown[]) => unknown

const CHALLENGE = `0x${'5a'.repeat(32)}`
const ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n

/** Arguments that are right, by name of what is called. Methods have a dot. */
const RIGHT: Readonly<Record<string, (dataset: entry.SmallDataset, inputs: entry.ProofInputs) => readonly unknown[]>> =
  {
    createPoseidon2: () => [],
    createErasure: () => [],
    buildDataset: () => [new Uint8Array(100), { ecK: 1, ecM: 1, filename: 'a', mimetype: 'b/c' }],
    sampleCells: () => [1n, 2n, 64, 5],
    proofInputs: (dataset) => [dataset, 1, CHALLENGE],
    proofInputsJson: (_, inputs) => [{ ...inputs, cellData: [[1n]], merklePaths: [[2n]] }],
    challengeEntropy: () => [CHALLENGE],
    'poseidon2.permute': () => [[1n, 2n, 3n]],
    'poseidon2.compress': () => [1n, 2n, 3n],
    'poseidon2.sponge': () => [[1n, 2n]],
    'poseidon2.hashBytes': () => [new Uint8Array(10)],
    'poseidon2.merkleRoot': () => [[1n, 2n, 3n]],
    'poseidon2.blockHash': () => [new Uint8Array(128), 64],
    'erasure.encode': () => [[new Uint8Array(64), new Uint8Array(64)], 1],
    'erasure.decode': () => [[new Uint8Array(64), undefined], [new Uint8Array(64)]],
  }

export function hostileSlotsSuite(name: string, slotsEntry: Entry): void {
  describe(`hostile calls of ${name}`, () => {
    let dataset: entry.SmallDataset
    let inputs: entry.ProofInputs
    const calls = new Map<string, Call>()
    const rightOf = (called: string): readonly unknown[] => RIGHT[called]?.(dataset, inputs) ?? []
    beforeAll(async () => {
      dataset = await slotsEntry.buildDataset(new Uint8Array(100).fill(1), { ecK: 1, ecM: 1 })
      inputs = await slotsEntry.proofInputs(dataset, 0, CHALLENGE)
      const parts = { poseidon2: await slotsEntry.createPoseidon2(), erasure: await slotsEntry.createErasure() }
      for (const [owner, functions] of [['', slotsEntry], ...Object.entries(parts)] as const)
        for (const [own, call] of Object.entries(functions))
          if (typeof call === 'function' && call !== CodexError)
            calls.set(owner === '' ? own : `${owner}.${own}`, call as Call)
    })

    it('has all functions in the table', () => {
      expect([...calls.keys()].sort()).toEqual(Object.keys(RIGHT).sort())
    })

    it.each(Object.keys(RIGHT))('%s gives a value or a CodexError, whatever it is called with', async (called) => {
      const call = calls.get(called) as Call
      const right = rightOf(called)
      await expect(Promise.resolve(call(...right))).resolves.toBeDefined()
      for (const args of hostileCalls(right)) {
        const refusal = await refusalOf(() => call(...args))
        if (refusal !== undefined) refusesPolitely(called, refusal)
      }
    })

    it.each([
      ['slots/not-bytes', 'buildDataset', ['abc', { ecK: 1, ecM: 0 }]],
      ['slots/empty-dataset', 'buildDataset', [new Uint8Array(0), { ecK: 1, ecM: 0 }]],
      ['slots/bad-options', 'buildDataset', [new Uint8Array(1)]],
      ['erasure/bad-code', 'buildDataset', [new Uint8Array(1), { ecK: 0, ecM: 0 }]],
      ['erasure/bad-code', 'buildDataset', [new Uint8Array(1), { ecK: 1, ecM: 2 }]],
      ['erasure/bad-code', 'buildDataset', [new Uint8Array(1), { ecK: 1, ecM: -1 }]],
      ['erasure/bad-code', 'buildDataset', [new Uint8Array(1), { ecK: 1 }]],
      ['erasure/bad-code', 'buildDataset', [new Uint8Array(1), { ecK: 1n, ecM: 0 }]],
      ['erasure/bad-code', 'buildDataset', [new Uint8Array(129 * 65_536), { ecK: 129, ecM: 128 }]],
      ['erasure/too-small', 'buildDataset', [new Uint8Array(65_536), { ecK: 2, ecM: 1 }]],
      ['upload/bad-names', 'buildDataset', [new Uint8Array(1), { ecK: 1, ecM: 0, filename: 7 }], 'manifest/bad-text'],
      ['slots/bad-cell-count', 'sampleCells', [1n, 2n, 63]],
      ['slots/bad-cell-count', 'sampleCells', [1n, 2n, 1]],
      ['slots/bad-cell-count', 'sampleCells', [1n, 2n, 2 ** 33]],
      ['slots/bad-cell-count', 'sampleCells', [1n, 2n, 64n]],
      ['slots/bad-sample-count', 'sampleCells', [1n, 2n, 64, 0]],
      ['slots/bad-sample-count', 'sampleCells', [1n, 2n, 64, 1025]],
      ['slots/not-an-element', 'sampleCells', [ORDER, 2n, 64]],
      ['slots/not-an-element', 'sampleCells', [1n, -1n, 64]],
      ['slots/not-an-element', 'sampleCells', [1, 2n, 64]],
      ['slots/not-an-element', 'poseidon2.permute', [[1n, 2n, ORDER]]],
      ['slots/bad-state', 'poseidon2.permute', [[1n, 2n]]],
      ['slots/bad-state', 'poseidon2.permute', [[1n, 2n, 3n, 4n]]],
      ['slots/not-an-element', 'poseidon2.compress', [1n, 2n, 1.5]],
      ['slots/not-an-element', 'poseidon2.compress', [1n, 2n, -1]],
      ['slots/not-an-element', 'poseidon2.sponge', [[1n, undefined]]],
      ['slots/too-large', 'poseidon2.sponge', [new Array(2 ** 20 + 1)]],
      ['slots/not-a-list', 'poseidon2.sponge', [1n]],
      ['slots/no-leaves', 'poseidon2.merkleRoot', [[]]],
      ['slots/not-bytes', 'poseidon2.hashBytes', [[1, 2]]],
      ['slots/empty-block', 'poseidon2.blockHash', [new Uint8Array(0), 64]],
      ['slots/bad-cell-size', 'poseidon2.blockHash', [new Uint8Array(64), 0]],
      ['erasure/no-data', 'erasure.encode', [[], 0]],
      ['erasure/not-a-count', 'erasure.encode', [[new Uint8Array(64)], -1]],
      ['erasure/more-parity-than-data', 'erasure.encode', [[new Uint8Array(64)], 2]],
      ['erasure/unequal-blocks', 'erasure.encode', [[new Uint8Array(64), new Uint8Array(128)], 1]],
      ['erasure/not-whole-groups', 'erasure.encode', [[new Uint8Array(65)], 1]],
      ['erasure/not-bytes', 'erasure.encode', [[new Uint8Array(64), undefined], 1]],
      ['erasure/too-many-rows', 'erasure.encode', [new Array(2 ** 32 - 1), 1]],
      ['erasure/too-few-rows', 'erasure.decode', [[new Uint8Array(64), undefined], [undefined]]],
      ['erasure/not-a-list', 'erasure.decode', [[new Uint8Array(64)], undefined]],
    ] as const)('%s for %s', async (code, called, args, or: string = code) => {
      const error = await Promise.resolve()
        .then(() => calls.get(called)?.(...args))
        .catch((cause: unknown) => cause)
      expect(CodexError.is(error) && [code, or].includes(error.code), String(error)).toBe(true)
    })

    it.each([
      ['slots/no-such-slot', 2, CHALLENGE],
      ['slots/no-such-slot', -1, CHALLENGE],
      ['slots/no-such-slot', 0.5, CHALLENGE],
      ['slots/no-such-slot', '0', CHALLENGE],
      ['slots/bad-challenge', 0, CHALLENGE.slice(2)],
      ['slots/bad-challenge', 0, `${CHALLENGE}00`],
      ['slots/bad-challenge', 0, CHALLENGE.replace('5', 'g')],
      ['slots/bad-challenge', 0, new Uint8Array(32)],
    ])('%s for slot %s and challenge %s', async (code, slot, challenge) => {
      const error = await slotsEntry
        .proofInputs(dataset, slot as number, challenge as string)
        .catch((cause: unknown) => cause)
      expect(CodexError.is(error, code), String(error)).toBe(true)
    })

    it('refuses copies of datasets, and changes of a dataset change no proof', async () => {
      for (const copy of [{ ...dataset }, structuredClone({ ...dataset, plain: 0, protected: 0, verifiable: 0 })])
        await expect(slotsEntry.proofInputs(copy as never, 0, CHALLENGE)).rejects.toMatchObject({
          code: 'slots/not-a-dataset',
        })
      const own = await slotsEntry.buildDataset(new Uint8Array(100).fill(1), { ecK: 1, ecM: 1 })
      Object.assign(own, { slotRoots: [], datasetRoot: 0n })
      expect(await slotsEntry.proofInputs(own, 0, CHALLENGE)).toEqual(inputs)
    })
  })
}

/** Throws again what the call threw, now or later; undefined where it gave a value. */
async function refusalOf(call: () => unknown): Promise<(() => never) | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    return () => {
      throw error
    }
  }
}
