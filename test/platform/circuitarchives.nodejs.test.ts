// Archives of circuits: read in both forms, refused before anything is unpacked when they are not what the chain names, kept for the next time.

import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync, zipSync } from 'fflate'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openArchive } from '../../src/platform/nodejs/circuitarchives.ts'
import { unpackCircuit } from '../../src/proving/circuitarchive.ts'
import { noise } from '../cli/command.ts'

const NEVER = { signal: new AbortController().signal }
const FILES = {
  'circuit/proof_main.r1cs': noise(300, 1),
  'circuit/proof_main.wasm': noise(1001, 2),
  'circuit/proof_main.zkey': noise(3000, 3),
  'circuit/proof_main_verification_key.json': new TextEncoder().encode('{}'),
}

function tarOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const records = Object.entries(files).flatMap(([name, bytes]) => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write('0000644\0', 100)
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124)
    header.write('        ', 148)
    header.write('0', 156)
    header.write('ustar\0' + '00', 257)
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    )
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
  })
  return Buffer.concat([...records, Buffer.alloc(1024)])
}

const ZIP = zipSync(FILES)
const TAR_GZ = gzipSync(tarOf(FILES))

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'codex-light-archives-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function unpacked(bytes: Uint8Array, size = 1000): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array[]> = {}
  await unpackCircuit(
    inPieces(bytes, size),
    async (field, part, anew) => {
      if (anew) found[field] = []
      void (found[field] ??= []).push(part.slice())
    },
    NEVER,
  )
  return Object.fromEntries(
    Object.entries(found).map(([field, parts]) => [field, new Uint8Array(Buffer.concat(parts))]),
  )
}

describe('an archive', () => {
  it.each([
    ['.zip', ZIP],
    ['.tar.gz', TAR_GZ],
  ])('that is a %s gives the circuit its files, however it comes', async (_, bytes) => {
    for (const size of [1, 511, 100_000]) {
      const found = await unpacked(bytes, size)
      expect(found['wasm']).toEqual(FILES['circuit/proof_main.wasm'])
      expect(found['zkey']).toEqual(FILES['circuit/proof_main.zkey'])
      expect(Object.keys(found).sort()).toEqual(['verificationKey', 'wasm', 'zkey'])
    }
  })

  it.each([['before'], ['after']])(
    'with files of another circuit %s those of proof_main gives the latter',
    async (where) => {
      const others = { 'other/a.wasm': noise(5000, 11), 'other/b.wasm': noise(10, 12), 'other/a.zkey': noise(5000, 13) }
      const files = where === 'before' ? { ...others, ...FILES } : { ...FILES, ...others }
      for (const bytes of [zipSync(files), gzipSync(tarOf(files))]) {
        const found = await unpacked(bytes)
        expect(found['wasm']).toEqual(FILES['circuit/proof_main.wasm'])
        expect(found['zkey']).toEqual(FILES['circuit/proof_main.zkey'])
        const folder = scratch()
        const from = join(folder, 'archive')
        writeFileSync(from, bytes)
        const kept = await openArchive({ from, sha256: sha256(bytes), folder }, unpackCircuit, NEVER)
        expect(new Uint8Array(readFileSync(kept.wasm))).toEqual(FILES['circuit/proof_main.wasm'])
      }
    },
  )

  it('that is damaged, foreign, or has not the files is refused by name', async () => {
    const cut = ZIP.slice(0, ZIP.length / 2)
    const flipped = TAR_GZ.slice()
    flipped.fill(0xff, 100, 400)
    const two = zipSync({ 'a.wasm': noise(10, 1), 'b.wasm': noise(10, 2), 'a.zkey': noise(10, 3) })
    const none = zipSync({ 'a.wasm': noise(10, 1) })
    const badTar = tarOf(FILES)
    badTar[124] = 0x39
    for (const bytes of [noise(1000, 9), new Uint8Array(), cut, flipped, two, none, gzipSync(badTar)])
      await expect(unpacked(bytes)).rejects.toMatchObject({ code: 'proving/bad-archive' })
  })
})

describe('a folder of archives', () => {
  it('keeps what was unpacked, and asks nobody the second time', async () => {
    const folder = scratch()
    let asked = 0
    const server = createServer((_, response) => {
      asked++
      response.end(ZIP)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const from = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/proving-key/x`)
    for (let time = 0; time < 2; time++) {
      const found = await openArchive({ from, sha256: sha256(ZIP), folder }, unpackCircuit, NEVER)
      expect(new Uint8Array(readFileSync(fileURLToPath(found.zkey)))).toEqual(FILES['circuit/proof_main.zkey'])
      expect(found.sha256.wasm).toBe(sha256(FILES['circuit/proof_main.wasm']))
      expect(found.verificationKey).toBeDefined()
    }
    expect(asked).toBe(1)
    expect(readdirSync(folder)).toEqual([sha256(ZIP)])
  })

  it.each([
    ['a file that was changed', 'proof_main.zkey', 'x'],
    ['a file that was cut', 'proof_main.wasm', ''],
    ['another verification key', 'proof_main_verification_key.json', '[]'],
    ['no record', 'unpacked.json', undefined],
    ['a record that is none', 'unpacked.json', 'null'],
  ])('unpacks anew what it finds with %s', async (_, name, contents) => {
    const folder = scratch()
    const path = join(scratch(), 'circuit.zip')
    writeFileSync(path, ZIP)
    const request = { from: path, sha256: sha256(ZIP), folder }
    const first = await openArchive(request, unpackCircuit, NEVER)
    if (contents === undefined) rmSync(join(first.folder, name))
    else writeFileSync(join(first.folder, name), contents)
    const second = await openArchive(request, unpackCircuit, NEVER)
    expect(second).toEqual(first)
    for (const field of ['wasm', 'zkey'] as const)
      expect(sha256(readFileSync(fileURLToPath(second[field])))).toBe(first.sha256[field])
    expect(readdirSync(folder)).toEqual([sha256(ZIP)])
    // And this time for good.
    rmSync(path)
    expect(await openArchive(request, unpackCircuit, NEVER)).toEqual(first)
  })

  it('unpacks nothing of an archive that is not the one the chain names', async () => {
    const folder = scratch()
    const path = join(scratch(), 'circuit.tar.gz')
    writeFileSync(path, TAR_GZ)
    await expect(
      openArchive({ from: path, sha256: 'ab'.repeat(32), folder }, unpackCircuit, NEVER),
    ).rejects.toMatchObject({ code: 'proving/wrong-archive', detail: { found: sha256(TAR_GZ) } })
    expect(readdirSync(folder)).toEqual([])
    const found = await openArchive({ from: path, sha256: sha256(TAR_GZ), folder }, unpackCircuit, NEVER)
    expect(new Uint8Array(readFileSync(fileURLToPath(found.wasm)))).toEqual(FILES['circuit/proof_main.wasm'])
    // The archive itself stays where it was.
    expect(readFileSync(path).length).toBe(TAR_GZ.length)
  })
})
