import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { compileCircuit } from '../../wasm/circuit/compilecircuit.ts'
import { FULL_CIRCUIT, SMALL_CIRCUIT, storageProofMain, TEMPLATES, templateMain } from '../../wasm/circuit/templates.ts'

const MAIN = templateMain('bits.circom', 'Bits(4)')

let cache: string
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'codex-light-circuits-'))
})
afterEach(() => rm(cache, { recursive: true, force: true }))

describe('compiling', () => {
  it('leaves a circuit and its witness module, at absolute paths, and nothing half done', async () => {
    const { r1cs, wasm } = await compileCircuit(MAIN, cache)
    expect(isAbsolute(r1cs) && isAbsolute(wasm)).toBe(true)
    expect((await readFile(r1cs)).subarray(0, 4).toString()).toBe('r1cs')
    expect(WebAssembly.validate(await readFile(wasm))).toBe(true)
    expect(await readdir(cache)).toHaveLength(1)
  })

  it('takes away what interrupted compilations left, and nothing of those that may be under way', async () => {
    const [old, fresh] = [join(cache, 'draft-old'), join(cache, 'draft-fresh')]
    for (const draft of [old, fresh]) {
      await mkdir(draft)
      await writeFile(join(draft, 'circuit.circom'), MAIN)
    }
    const longAgo = new Date(Date.now() - 2 * 3_600_000)
    await utimes(old, longAgo, longAgo)
    const { r1cs } = await compileCircuit(MAIN, cache)
    expect((await readdir(cache)).sort()).toEqual([basename(dirname(r1cs)), 'draft-fresh'].sort())
  })

  it('is done once', async () => {
    const first = await compileCircuit(MAIN, cache)
    const { mtimeMs } = await stat(first.r1cs)
    expect(await compileCircuit(MAIN, cache)).toEqual(first)
    expect((await stat(first.r1cs)).mtimeMs).toBe(mtimeMs)
  })

  it('is the same every time, and at the same time', async () => {
    const [first, second] = await Promise.all([compileCircuit(MAIN, cache), compileCircuit(MAIN, cache)])
    expect(second).toEqual(first)
    await rm(cache, { recursive: true })
    expect(await compileCircuit(MAIN, cache)).toEqual(first)
  })

  it('is done again where what was kept is damaged', async () => {
    const first = await compileCircuit(MAIN, cache)
    await writeFile(first.wasm, 'damaged')
    expect(await compileCircuit(MAIN, cache)).toEqual(first)
    expect(WebAssembly.validate(await readFile(first.wasm))).toBe(true)
    await rm(first.r1cs)
    expect(await compileCircuit(MAIN, cache)).toEqual(first)
  })

  it('keeps another circuit elsewhere', async () => {
    const first = await compileCircuit(MAIN, cache)
    const second = await compileCircuit(templateMain('bits.circom', 'Bits(5)'), cache)
    expect(dirname(second.r1cs)).not.toBe(dirname(first.r1cs))
  })

  it.each([
    ['a component that is not there', templateMain('bits.circom', 'Bitz(4)'), 'Bitz'],
    ['a file that is not there', templateMain('nowhere.circom', 'Bits(4)'), 'nowhere.circom'],
    ['a broken promise of a template', templateMain('bits.circom', 'Bits(254)'), 'assert'],
  ])('says why it cannot: %s', async (_, main, what) => {
    await expect(compileCircuit(main, cache)).rejects.toMatchObject({
      code: 'circuit/does-not-compile',
      message: expect.stringContaining(what) as string,
    })
    expect(await readdir(cache)).toEqual([])
  })
})

it('the compiler sees no file above its folder', async () => {
  const { 'bits.circom': bits = '' } = TEMPLATES
  await writeFile(join(cache, 'above.circom'), bits)
  await expect(compileCircuit(templateMain('../above.circom', 'Bits(4)'), cache)).rejects.toMatchObject({
    code: 'circuit/does-not-compile',
  })
})

describe('the script', () => {
  const run = promisify(execFile)
  const SCRIPT = fileURLToPath(new URL('../../wasm/circuit/build.js', import.meta.url))

  it('compiles the same, and says where it is', async () => {
    const { stdout } = await run(process.execPath, [SCRIPT, 'small', cache])
    expect(JSON.parse(stdout)).toEqual(await compileCircuit(storageProofMain(SMALL_CIRCUIT), cache))
    expect(await readdir(cache)).toHaveLength(1)
  })

  it('knows two sizes', async () => {
    await expect(run(process.execPath, [SCRIPT, 'toString', cache])).rejects.toMatchObject({
      code: 2,
      stderr: 'expected full or small, found "toString"\n',
    })
  })
})

describe('templates', () => {
  it('include only one another', () => {
    for (const text of Object.values(TEMPLATES))
      for (const [, name = ''] of text.matchAll(/^include "([^"]*)";$/gm)) expect(TEMPLATES).toHaveProperty([name])
  })

  it('make the storage proof with its public inputs in order', () => {
    const publics = '{public [entropy, dataSetRoot, slotIndex]}'
    expect(storageProofMain(FULL_CIRCUIT)).toContain(`component main ${publics} = SampleAndProve(32, 8, 5, 67, 5);`)
    expect(storageProofMain(SMALL_CIRCUIT)).toContain(`component main ${publics} = SampleAndProve(8, 3, 2, 3, 2);`)
  })
})
