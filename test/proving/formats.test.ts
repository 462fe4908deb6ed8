import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'

import { concatBytes } from '../../src/lib/bytes.ts'
import { BASE_ORDER, G1_BYTES, SCALAR_ORDER, viewOf, writeNumber } from '../../src/proving/bn254.ts'
import { brokenConstraint } from '../../src/proving/brokenconstraint.ts'
import { type ByteSource, sourceOfBlob, sourceOfBytes } from '../../src/proving/bytesource.ts'
import { type DevSetup, devSetup } from '../../src/proving/devsetup.ts'
import { packScalars } from '../../src/proving/packscalars.ts'
import { eachTerm, readR1cs } from '../../src/proving/r1cs.ts'
import { encodeSections, word } from '../../src/proving/sections.ts'
import { slowSetupArithmetic } from '../../src/proving/slowsetuparithmetic.ts'
import { checkWitness, encodeWitness, readWitness } from '../../src/proving/wtns.ts'
import { readZkey, readZkeySection, type Zkey } from '../../src/proving/zkey.ts'
import { zkeyVerificationKey } from '../../src/proving/zkeyverificationkey.ts'
import { headerBytes, sumsBytes, TINY_CONSTRAINTS, TINY_HEADER, TINY_WITNESS, tinyR1cs } from './tinycircuit.ts'

const { signal } = new AbortController()
const read = <T>(reader: (source: ByteSource, options: { signal: AbortSignal }) => Promise<T>, bytes: Uint8Array) =>
  reader(sourceOfBytes(bytes), { signal })

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice()
  viewOf(copy).setUint32(at, value, true)
  return copy
}

describe('an .r1cs', () => {
  it('is read whole, its sections in any order', async () => {
    const r1cs = await read(readR1cs, tinyR1cs())
    expect(r1cs).toMatchObject({
      ...{ wireCount: 4, publicOutputCount: 0, publicInputCount: 1, privateInputCount: 1, constraintCount: 2 },
    })
    const terms: unknown[] = []
    eachTerm(r1cs, (...term) => terms.push(term))
    expect(terms).toEqual([
      [0, 0, 2, 1n],
      [0, 1, 2, 1n],
      [0, 2, 3, 1n],
      [1, 0, 3, SCALAR_ORDER - 2n],
      [1, 1, 2, 3n],
      [1, 2, 1, SCALAR_ORDER - 6n],
    ])
  })

  it('is satisfied by a witness, and by no other', async () => {
    const r1cs = await read(readR1cs, tinyR1cs())
    expect(brokenConstraint(r1cs, TINY_WITNESS)).toBe(undefined)
    expect(brokenConstraint(r1cs, packScalars([1n, 27n, 3n, 10n]))).toBe(0)
    expect(brokenConstraint(r1cs, packScalars([1n, 28n, 3n, 9n]))).toBe(1)
    expect(brokenConstraint(r1cs, packScalars([2n, 27n, 3n, 9n]))).toBe(0)
    expect(brokenConstraint(r1cs, packScalars([0n, 0n, 0n, 0n]))).toBe(0)
  })

  it.each([
    ['over another field', tinyR1cs({ prime: BASE_ORDER }), 'field'],
    ['of larger elements', tinyR1cs({ elementBytes: 48 }), 'size of an element'],
    ['of fewer wires than are public', tinyR1cs({ wires: 1 }), 'wires'],
    ['of very many wires', tinyR1cs({ wires: 2 ** 28 + 1 }), 'wires'],
    ['of very many constraints', tinyR1cs({ constraints: 2 ** 32 - 1 }), 'constraints'],
    ['with a constraint too few', tinyR1cs({ constraints: 3 }), 'constraint 2'],
    ['with a constraint too many', tinyR1cs({ constraints: 1 }), 'constraints'],
    ['with a wire that is not there', tinyR1cs({}, TINY_CONSTRAINTS.with(4, [[4, 1n]])), 'constraint 1'],
    [
      'with a coefficient beyond the field',
      tinyR1cs({}, TINY_CONSTRAINTS.with(4, [[2, SCALAR_ORDER]])),
      'constraint 1',
    ],
    [
      'with a header cut short',
      sections([
        [1, headerBytes(TINY_HEADER).subarray(1)],
        [2, sumsBytes(TINY_CONSTRAINTS)],
      ]),
      'header',
    ],
    [
      'with more terms than bytes',
      sections([
        [1, headerBytes(TINY_HEADER)],
        [2, changed(sumsBytes(TINY_CONSTRAINTS), 0, 2 ** 31)],
      ]),
      'constraint 0',
    ],
    ['without constraints', sections([[1, headerBytes(TINY_HEADER)]]), 'section 2'],
    ['without a header', sections([[2, sumsBytes(TINY_CONSTRAINTS)]]), 'section 1'],
    [
      'with two headers',
      sections([
        [1, headerBytes(TINY_HEADER)],
        [1, headerBytes(TINY_HEADER)],
      ]),
      'section 1',
    ],
    [
      'with custom gates',
      sections([
        [1, headerBytes(TINY_HEADER)],
        [2, sumsBytes(TINY_CONSTRAINTS)],
        [4, word(1)],
      ]),
      'sections',
    ],
    ['of another version', changed(tinyR1cs(), 4, 2), 'version'],
    ['with very many sections', changed(tinyR1cs(), 8, 65), 'number of sections'],
    ['with a section too many in its header', changed(tinyR1cs(), 8, 4), 'sections'],
    ['with a section too few in its header', changed(tinyR1cs(), 8, 2), 'file'],
    ['with something after it', concatBytes(tinyR1cs(), new Uint8Array(1)), 'file'],
    ['that is a witness', encodeWitness(TINY_WITNESS), 'first four bytes'],
    ['that is empty', new Uint8Array(), 'header'],
  ])('%s is refused', async (_, bytes, field) => {
    await expect(read(readR1cs, bytes)).rejects.toMatchObject({ code: 'proving/bad-r1cs', detail: { field } })
  })

  it('cut anywhere is refused', async () => {
    const bytes = tinyR1cs()
    for (let length = 0; length < bytes.length; length++)
      await expect(read(readR1cs, bytes.subarray(0, length))).rejects.toMatchObject({ code: 'proving/bad-r1cs' })
  })

  function sections(list: readonly (readonly [number, Uint8Array])[]): Uint8Array {
    return encodeSections(
      { magic: 'r1cs' },
      1,
      list.map(([id, bytes]) => [id, [bytes]]),
    )
  }
})

describe('a .wtns', () => {
  it('survives being written and read', async () => {
    expect(await read(readWitness, encodeWitness(TINY_WITNESS))).toEqual(TINY_WITNESS)
  })

  it.each([
    ['a first value that is not one', packScalars([2n, 1n]), 'value of wire 0'],
    ['a value beyond the field', packScalars([1n, 0n, SCALAR_ORDER]), 'value of wire 2'],
    ['half a value', TINY_WITNESS.subarray(0, -16), 'values'],
  ])('with %s is refused', async (_, values, field) => {
    await expect(read(readWitness, encodeWitness(values))).rejects.toMatchObject({
      code: 'proving/bad-witness',
      detail: { field },
    })
  })

  it('of another size than the circuit is refused', () => {
    expect(() => checkWitness(TINY_WITNESS, 4)).not.toThrow()
    for (const wires of [3, 5])
      expect(() => checkWitness(TINY_WITNESS, wires)).toThrow(expect.objectContaining({ code: 'proving/bad-witness' }))
  })

  it.each([
    ['field', 12 + 12 + 4],
    ['size of an element', 12 + 12],
    ['values', 12 + 12 + 36],
  ])('with another %s in its header is refused', async (field, at) => {
    await expect(read(readWitness, changed(encodeWitness(TINY_WITNESS), at, 7))).rejects.toMatchObject({
      code: 'proving/bad-witness',
      detail: { field },
    })
  })
})

describe('a .zkey', () => {
  let keys: DevSetup
  let zkey: Zkey
  beforeAll(async () => {
    keys = await devSetup({ r1cs: tinyR1cs(), seed: 'tiny', arithmetic: slowSetupArithmetic, signal })
    zkey = await read(readZkey, keys.zkey)
  })

  it('tells its sizes, and where everything is', async () => {
    expect(zkey.header).toMatchObject({ wireCount: 4, publicCount: 1, domainSize: 4 })
    // Two terms of A and two of B, and two rows for the one and the public input.
    expect(zkey.termCount).toBe(6)
    const lengths = Object.entries({
      ic: 128,
      coefficients: 4 + 6 * 44,
      a: 256,
      b1: 256,
      b2: 512,
      c: 128,
      h: 256,
      contributions: 68,
    })
    for (const [name, length] of lengths)
      expect(await readZkeySection(zkey, name as keyof Zkey['sections'], { signal })).toHaveLength(length)
  })

  it('is read from a blob too', async () => {
    const blob = new Blob([keys.zkey as Uint8Array<ArrayBuffer>])
    const fromBlob = await readZkey(sourceOfBlob(blob), { signal })
    expect(fromBlob.header).toEqual(zkey.header)
    expect(await zkeyVerificationKey(fromBlob, { signal })).toEqual(keys.verificationKey)
  })

  it('has no part that can be cut off', async () => {
    const { length } = keys.zkey
    for (const cut of [0, 3, 11, 12, 24, 30, 100, 500, 1000, length - 100, length - 1])
      await expect(read(readZkey, keys.zkey.subarray(0, cut))).rejects.toMatchObject({
        code: expect.stringMatching(/^proving\/(bad-zkey|other-)/) as string,
      })
  })

  it('is refused with something after it, or when it is another file', async () => {
    for (const bytes of [concatBytes(keys.zkey, new Uint8Array(1)), tinyR1cs(), encodeWitness(TINY_WITNESS)])
      await expect(read(readZkey, bytes)).rejects.toMatchObject({ code: 'proving/bad-zkey' })
  })

  /** Where the header's section has its contents: after the file's header, section 1 of four bytes, and a section header. */
  const HEADER = 12 + 12 + 4 + 12
  it.each([
    [2, 'PLONK'],
    [10, 'number 10'],
  ])('of protocol %i is told to be of another', async (protocol, found) => {
    await expect(read(readZkey, changed(keys.zkey, 24, protocol))).rejects.toMatchObject({
      code: 'proving/other-protocol',
      message: expect.stringContaining(found) as string,
    })
  })

  it('of another protocol, which has other sections, is told to be so', async () => {
    const plonk = encodeSections({ magic: 'zkey' }, 1, [
      [1, [word(2)]],
      [2, [new Uint8Array(9)]],
    ])
    await expect(read(readZkey, plonk)).rejects.toMatchObject({ code: 'proving/other-protocol' })
  })

  it.each([HEADER, HEADER + 4, HEADER + 36, HEADER + 40])(
    'of another curve (byte %i) is told to be of another',
    async (at) => {
      await expect(read(readZkey, changed(keys.zkey, at, 48))).rejects.toMatchObject({
        code: 'proving/other-curve',
        detail: { field: 'curve' },
      })
    },
  )

  it.each([
    ['wires', 72, 0],
    ['wires', 72, 2 ** 29],
    ['public signals', 76, 4],
    ['domain', 80, 3],
    ['domain', 80, 0],
    ['domain', 80, 1],
    ['domain', 80, 2 ** 31],
    ['section a', 72, 5],
    ['section ic', 76, 2],
    ['section h', 80, 8],
  ])('whose %s are wrong is refused', async (field, at, value) => {
    await expect(read(readZkey, changed(keys.zkey, HEADER + at, value))).rejects.toMatchObject({
      code: 'proving/bad-zkey',
      detail: { field },
    })
  })

  it('whose count of terms is wrong is refused', async () => {
    for (const count of [0, 5, 7, 2 ** 32 - 1])
      await expect(read(readZkey, changed(keys.zkey, zkey.sections.coefficients.offset, count))).rejects.toMatchObject({
        code: 'proving/bad-zkey',
        detail: { field: 'section coefficients' },
      })
  })

  it('with a point off its curve or at infinity gives no verification key', async () => {
    const points = HEADER + 84
    const places = {
      alpha1: points,
      beta2: points + 2 * G1_BYTES,
      gamma2: points + 4 * G1_BYTES,
      delta2: points + 7 * G1_BYTES,
    }
    for (const [field, at] of Object.entries({ ...places, 'ic[1]': zkey.sections.ic.offset + G1_BYTES }))
      for (const change of [
        (bytes: Uint8Array) => writeNumber(viewOf(bytes), at, 5n),
        (bytes: Uint8Array) => writeNumber(viewOf(bytes), at, BASE_ORDER),
        (bytes: Uint8Array) => bytes.fill(0, at, at + (field.endsWith('2') ? 2 : 1) * G1_BYTES),
      ]) {
        const copy = keys.zkey.slice()
        change(copy)
        await expect(zkeyVerificationKey(await read(readZkey, copy), { signal })).rejects.toMatchObject({
          code: 'proving/bad-zkey',
          detail: { field },
        })
      }
  })

  it('with any one bit of its header sections flipped throws nothing but typed errors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: HEADER + 600 }), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
        const copy = keys.zkey.slice()
        copy[at] = (copy[at] ?? 0) ^ (1 << bit)
        const outcome = await read(readZkey, copy).then(
          async (found) =>
            zkeyVerificationKey(found, { signal }).then(
              () => undefined,
              (error: unknown) => error,
            ),
          (error: unknown) => error,
        )
        if (outcome !== undefined)
          expect(outcome).toMatchObject({ name: 'CodexError', code: expect.stringMatching(/^proving\//) as string })
      }),
      { numRuns: 300 },
    )
  })

  it('keeps a mark that is damaged, and has none when there is none', async () => {
    const { offset } = [...(await markedSections())].find(([id]) => id === 0xdec0de)?.[1] ?? { offset: 0 }
    const damaged = await read(readZkey, changed(keys.zkey, offset, 0))
    expect(damaged.developmentMark).toBeTruthy()
    const other = await read(readZkey, changed(keys.zkey, offset - 12, 99))
    expect(other.developmentMark).toBe(undefined)
  })

  async function markedSections(): Promise<ReadonlyMap<number, { offset: number }>> {
    const { readSections } = await import('../../src/proving/sections.ts')
    return readSections(
      sourceOfBytes(keys.zkey),
      { magic: 'zkey', versions: [1], required: [], code: 'proving/bad-zkey' },
      { signal },
    )
  }
})

describe('a source', () => {
  it('ends with the signal', async () => {
    const controller = new AbortController()
    controller.abort(new Error('enough'))
    for (const source of [sourceOfBytes(tinyR1cs()), sourceOfBlob(new Blob([new Uint8Array(100)]))])
      await expect(source.read(0, 1, controller)).rejects.toThrow('enough')
  })

  it('that cannot be read says so', async () => {
    const blob = new Blob([new Uint8Array(100)])
    const gone = {
      size: 100,
      slice: () => ({ arrayBuffer: () => Promise.reject(new Error('gone')) }),
    } as unknown as Blob
    const shorter = { size: 100, slice: () => blob.slice(0, 1) } as unknown as Blob
    for (const source of [gone, shorter])
      await expect(sourceOfBlob(source).read(0, 2, { signal })).rejects.toMatchObject({
        code: 'proving/unreadable-source',
      })
  })
})
