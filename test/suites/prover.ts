// The laws of a Prover, whichever engine it has: proofs that hold, for what was asked and not for anything else; refusals by name; nothing left
// behind. Run against both engines, in Node and in a tab.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { ProofInputs } from '../../src/proving/proofinputs.ts'
import type { Prover } from '../../src/proving/prover.ts'
import type { CircuitFiles } from '../../src/proving/opencircuit.ts'
import type { CreateProverOptions } from '../../src/proving/provingfunctions.ts'
import { toSolidityProof } from '../../src/proving/proof.ts'
import { verify } from '../../src/proving/verify.ts'
import { SMALL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { SCALAR_ORDER } from '../../src/proving/bn254.ts'
import { circuitWithKeys, type CircuitWithKeys } from '../proving/keys.ts'
import { loadSnarkjs, releaseSnarkjs } from '../proving/snarkjs.ts'
import { statement } from '../proving/statements.ts'

const { signal } = new AbortController()
const RANDOM_PROOFS = import.meta.env['LONG'] ? 200 : 2
/** Where the parts of the key lie in a file of the small circuit, as shares of it: one place in each, and in header and table of contents. */
const FLIPS = [0.00001, 0.00005, 0.0001, 0.1, 0.3, 0.42, 0.5, 0.6, 0.65, 0.7, 0.8, 0.9, 0.99]

/** How much of it: all; but, for an engine that is slow, what takes many proofs in the long run only; or, but in the long run, two laws only. */
type Extent = 'all' | 'reference' | 'variant'

export function proverSuite(
  name: string,
  create: (options: CreateProverOptions) => Promise<Prover>,
  { extent }: { readonly extent: Extent },
): void {
  const isLong = Boolean(import.meta.env['LONG'])
  const isWhole = extent !== 'variant' || isLong
  // What it takes most proofs for, of the slow engine only in the long run.
  const isOurs = extent !== 'reference' || isLong
  describe(name, () => {
    let circuit: CircuitWithKeys
    let prover: Prover
    const files = (others: Partial<CircuitFiles> = {}): CreateProverOptions => ({
      circuit: { wasm: circuit.wasm, zkey: circuit.zkey, ...others },
    })
    beforeAll(async () => {
      circuit = await circuitWithKeys(SMALL_CIRCUIT)
      prover = await create(files({ verificationKey: circuit.verificationKey }))
    }, 240_000)
    afterAll(async () => {
      await prover.close()
      await releaseSnarkjs()
    })

    it('proves what it is asked to, and nothing else', async () => {
      const { inputs, publicSignals } = await statement(1)
      const proven = await prover.prove(inputs, { signal, rank: 'sale' })
      expect(proven.publicSignals).toEqual(publicSignals)
      expect(verify(prover.verificationKey, publicSignals, proven.proof)).toBe(true)
      const { groth16 } = await loadSnarkjs()
      await expect(groth16.verify(circuit.verificationKey, publicSignals, proven.proof)).resolves.toBe(true)
      for (const i of publicSignals.keys())
        expect(verify(prover.verificationKey, publicSignals.with(i, '7'), proven.proof)).toBe(false)
      expect(String(toSolidityProof(proven.proof).b.x.real)).toBe(proven.proof.pi_b[0][0])
    })

    it.runIf(isWhole && isOurs)('blinds: of the same inputs each proof differs in all its points', async () => {
      const { inputs } = await statement(2)
      const proofs = [1, 2, 3].map(() => prover.prove(inputs, { signal, rank: 'duty' }))
      const found = (await Promise.all(proofs)).map(({ proof }) => proof)
      for (const point of ['pi_a', 'pi_b', 'pi_c'] as const)
        expect(new Set(found.map((proof) => JSON.stringify(proof[point]))).size).toBe(3)
    })

    it('knows the verification key of its proving key', () => {
      expect(prover.verificationKey).toEqual(circuit.verificationKey)
    })

    it.runIf(isWhole)('takes inputs as decimal texts too, and leaves them as they were', async () => {
      const { inputs, publicSignals } = await statement(3)
      const texts = JSON.parse(
        JSON.stringify(inputs, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      ) as ProofInputs
      const before = JSON.stringify(texts)
      const proven = await prover.prove(texts, { signal, rank: 'background' })
      expect(proven.publicSignals).toEqual(publicSignals)
      expect(JSON.stringify(texts)).toBe(before)
    })

    it.runIf(isWhole)('tells how far it is', async () => {
      const { inputs } = await statement(1)
      const seen: string[] = []
      const shares: number[] = []
      await prover.prove(inputs, {
        signal,
        rank: 'sale',
        progress: ({ stage, state, doneShare }) => {
          seen.push(`${stage} ${state}`)
          shares.push(doneShare)
        },
      })
      expect(seen).toContain('witness begun')
      expect(seen.indexOf('witness done')).toBeGreaterThan(seen.indexOf('witness begun'))
      expect(seen.at(-1)).toBe('finish done')
      expect(shares).toEqual([...shares].sort((a, b) => a - b))
      expect([Math.min(...shares), shares.at(-1)]).toEqual([0, 1])
    })

    describe.runIf(isWhole)('refuses, and goes on', () => {
      it.each<[string, string, string | undefined, (inputs: Record<string, unknown>) => unknown]>([
        ['no object', 'proving/bad-input', 'inputs', () => 'inputs'],
        ['nothing', 'proving/bad-input', 'inputs', () => undefined],
        ['an input missing', 'proving/missing-input', 'slotRoot', ({ slotRoot: _, ...rest }) => rest],
        ['an input undefined', 'proving/missing-input', 'slotProof', (inputs) => ({ ...inputs, slotProof: undefined })],
        ['an input too many', 'proving/surplus-input', 'extra', (inputs) => ({ ...inputs, extra: 1 })],
        [
          'another spelling',
          'proving/surplus-input',
          'datasetRoot',
          ({ dataSetRoot, ...rest }) => ({ ...rest, datasetRoot: dataSetRoot }),
        ],
        ['a negative one', 'proving/bad-input', 'entropy', (inputs) => ({ ...inputs, entropy: -1n })],
        ['one beyond the field', 'proving/bad-input', 'entropy', (inputs) => ({ ...inputs, entropy: SCALAR_ORDER })],
        ['a fraction', 'proving/bad-input', 'slotIndex', (inputs) => ({ ...inputs, slotIndex: 0.5 })],
        ['a text that is no number', 'proving/bad-input', 'slotRoot', (inputs) => ({ ...inputs, slotRoot: '0x12' })],
        ['a list for one', 'proving/bad-input', 'slotRoot', (inputs) => ({ ...inputs, slotRoot: [1n] })],
        ['one for a list', 'proving/bad-input', 'slotProof', (inputs) => ({ ...inputs, slotProof: 1n })],
        ['a list too short', 'proving/bad-input', 'slotProof', (inputs) => ({ ...inputs, slotProof: [1n] })],
        [
          'a cell too many',
          'proving/bad-input',
          undefined,
          (inputs) => ({ ...inputs, cellData: [...(inputs['cellData'] as unknown[]), [1n, 2n, 3n]] }),
        ],
        [
          'a cell of another size',
          'proving/bad-input',
          'cellData',
          (inputs) => ({ ...inputs, cellData: (inputs['cellData'] as unknown[][]).map((cell) => cell.slice(1)) }),
        ],
        ['another entropy', 'proving/unsatisfied', undefined, (inputs) => ({ ...inputs, entropy: 12345n })],
        ['another root', 'proving/unsatisfied', undefined, (inputs) => ({ ...inputs, dataSetRoot: 12345n })],
        ['another slot', 'proving/unsatisfied', undefined, (inputs) => ({ ...inputs, slotIndex: 7 })],
      ])('%s', async (_, code, field, change) => {
        const { inputs } = await statement(4)
        const error = await failure(prover.prove(change({ ...inputs }) as ProofInputs, { signal, rank: 'sale' }))
        expect(error.code).toBe(code)
        if (field !== undefined) expect(error.detail['field']).toBe(field)
      })

      it('options that make no sense', async () => {
        const { inputs } = await statement(4)
        for (const [options, field] of [
          [undefined, 'options'],
          [{}, 'signal'],
          [{ signal: {}, rank: 'sale' }, 'signal'],
          [{ signal }, 'rank'],
          [{ signal, rank: 'urgent' }, 'rank'],
          [{ signal, rank: 'sale', progress: 5 }, 'progress'],
        ] as const) {
          const { code, detail } = await failure(prover.prove(inputs, options as never))
          expect([code, detail['field']]).toEqual(['proving/bad-options', field])
        }
      })

      afterAll(async () => {
        const { inputs, publicSignals } = await statement(4)
        const proven = await prover.prove(inputs, { signal, rank: 'sale' })
        expect(proven.publicSignals).toEqual(publicSignals)
      })
    })

    describe.runIf(isWhole)('does not open', () => {
      const refusal = async (options: CreateProverOptions): Promise<CodexError> => failure(create(options))

      it('what is no proving key, or only the beginning of one', async () => {
        for (const zkey of [new Uint8Array(0), new Uint8Array(100), circuit.wasm, circuit.r1cs]) {
          const { code, detail } = await refusal(files({ zkey }))
          expect([code, typeof detail['field']]).toEqual(['proving/bad-zkey', 'string'])
        }
        for (const share of [0.00001, 0.0001, 0.001, 0.1, 0.5, 0.9, 0.999999])
          expect((await refusal(files({ zkey: circuit.zkey.slice(0, circuit.zkey.length * share) }))).code).toBe(
            'proving/bad-zkey',
          )
        expect(
          (await refusal(files({ zkey: new Blob([circuit.zkey.slice(0, 5000) as Uint8Array<ArrayBuffer>]) }))).code,
        ).toBe('proving/bad-zkey')
      })

      it('keys of another protocol, another curve or another circuit', async () => {
        const protocolAt = 12 + 12
        expect((await refusal(files({ zkey: changed(circuit.zkey, protocolAt, 2) }))).code).toBe(
          'proving/other-protocol',
        )
        const baseOrderAt = protocolAt + 4 + 12 + 4
        expect((await refusal(files({ zkey: changed(circuit.zkey, baseOrderAt, 1) }))).code).toBe('proving/other-curve')
        const other = await circuitWithKeys({ ...SMALL_CIRCUIT, nSamples: 1 })
        expect((await refusal(files({ zkey: other.zkey }))).code).toBe('proving/other-circuit')
        const { code, detail } = await refusal(files({ verificationKey: other.verificationKey }))
        expect([code, detail['field']]).toEqual(['proving/other-verification-key', 'verificationKey'])
      })

      it('what is no witness module of circom', async () => {
        const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)
        for (const wasm of [new Uint8Array(0), circuit.zkey.slice(0, 1000), empty, circuit.wasm.slice(0, -100)]) {
          const { code, detail } = await refusal(files({ wasm }))
          expect([code, detail['field']]).toEqual(['proving/bad-circuit-module', 'wasm'])
        }
      })

      it('files that are not what they are pinned to (T31)', async () => {
        for (const file of ['wasm', 'zkey'] as const) {
          const { code, detail } = await refusal(files({ sha256: { [file]: 'ab'.repeat(32) } }))
          expect([code, detail['field']]).toEqual(['proving/wrong-hash', file])
        }
        const sha256 = { wasm: await hashOf(circuit.wasm), zkey: await hashOf(circuit.zkey) }
        const pinned = await create(files({ sha256 }))
        await pinned.close()
      })

      it('options that make no sense', async () => {
        for (const [options, field] of [
          [{ circuit: null }, 'circuit'],
          [{ circuit: { wasm: circuit.wasm } }, 'circuit.zkey'],
          [{ circuit: { wasm: 'a.wasm', zkey: circuit.zkey } }, 'circuit.wasm'],
          [{ ...files(), threads: 0 }, 'threads'],
          [{ ...files(), threads: 1.5 }, 'threads'],
          [{ ...files(), engine: 'rapid' }, 'engine'],
          [files({ sha256: { zkey: 'ab' } }), 'circuit.sha256.zkey'],
          [files({ zkey: new URL('ftp://localhost/a') }), 'circuit.zkey'],
        ] as const) {
          const { code, detail } = await refusal(options as CreateProverOptions)
          expect([code, detail['field']]).toEqual(['proving/bad-options', field])
        }
      })

      it('a signal that is none', async () => {
        const { code, detail } = await refusal({ ...files(), signal: 5 as never })
        expect([code, detail['field']]).toEqual(['proving/bad-options', 'signal'])
      })

      it('when it is given up', async () => {
        const reason = new Error('enough')
        await expect(create({ ...files(), signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      })
    })

    const isTab = 'window' in globalThis
    const flips = FLIPS.filter((_, i) => isLong || i % 6 === 0)
    it.runIf(isWhole && isOurs && (isLong || !isTab))(
      'never hands out a proof by a key with a flipped bit',
      async () => {
        const { inputs } = await statement(5)
        for (const share of flips) {
          const at = Math.floor(circuit.zkey.length * share)
          const zkey = changed(circuit.zkey, at, (circuit.zkey[at] ?? 0) ^ 4)
          const error = await failure(
            create({ circuit: { wasm: circuit.wasm, zkey } }).then(async (damaged) => {
              try {
                const { proof, publicSignals } = await damaged.prove(inputs, { signal, rank: 'sale' })
                // Not every byte matters to a proof: one that was handed out holds by the true key.
                expect(verify(circuit.verificationKey, publicSignals, proof)).toBe(true)
                throw new CodexError('test/harmless', 'a byte that no proof needs')
              } finally {
                await damaged.close()
              }
            }),
          )
          expect([...DAMAGE, 'test/harmless']).toContain(error.code)
        }
      },
      240_000,
    )

    it('ends a proof that is given up, at any time, and makes the next one', async () => {
      const { inputs, publicSignals } = await statement(6)
      const reason = new Error('enough')
      await expect(prover.prove(inputs, { signal: AbortSignal.abort(reason), rank: 'sale' })).rejects.toBe(reason)
      const soon = new AbortController()
      const waiting = prover.prove(inputs, { signal: soon.signal, rank: 'sale' })
      soon.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      const later = new AbortController()
      const begun = prover.prove(inputs, {
        signal: later.signal,
        rank: 'sale',
        progress: ({ stage, state }) => void (stage === 'witness' && state === 'done' && later.abort(reason)),
      })
      await expect(begun).rejects.toBe(reason)
      expect((await prover.prove(inputs, { signal, rank: 'sale' })).publicSignals).toEqual(publicSignals)
    })

    it.runIf(isWhole)('gives up what is under way when it is closed, and proves no more', async () => {
      const { inputs } = await statement(7)
      const closing = await create(files())
      const underWay = failure(closing.prove(inputs, { signal, rank: 'sale' }))
      const waiting = failure(closing.prove(inputs, { signal, rank: 'sale' }))
      const closed = closing.close()
      expect((await underWay).code).toBe('proving/closed')
      expect((await waiting).code).toBe('proving/closed')
      await closed
      await closing.close()
      expect((await failure(closing.prove(inputs, { signal, rank: 'duty' }))).code).toBe('proving/closed')
    })

    it.runIf(isWhole && isOurs)(`proves ${RANDOM_PROOFS} random statements`, async () => {
      for (let seed = 10; seed < 10 + RANDOM_PROOFS; seed++) {
        const { inputs, publicSignals } = await statement(seed)
        const proven = await prover.prove(inputs, { signal, rank: 'sale' })
        expect(proven.publicSignals, `seed ${seed}`).toEqual(publicSignals)
        expect(verify(circuit.verificationKey, publicSignals, proven.proof), `seed ${seed}`).toBe(true)
      }
    })
  })
}

/** What a damaged file may be told by. */
const DAMAGE = [
  'proving/bad-zkey',
  'proving/other-protocol',
  'proving/other-curve',
  'proving/other-circuit',
  'proving/invalid-proof',
  'proving/engine-failed',
]

async function failure(promise: Promise<unknown>): Promise<CodexError> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!CodexError.is(error)) throw error
  return error
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  return bytes.slice().fill(value, at, at + 1)
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
