// What the library's doors to proving say before any thread is started.

import { expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { type ProvingPlatform, provingFunctions } from '../../src/proving/provingfunctions.ts'

const unreadable = async (): Promise<never> => {
  throw new CodexError('proving/unreadable-source', 'there is none', { detail: { path: 'there' } })
}

const PLATFORM: ProvingPlatform = {
  openPool: () => ({
    run: async () => {
      throw new Error('nothing runs for what makes no sense')
    },
    size: 1,
    canShare: false,
    close: async () => {},
  }),
  openFile: async ({ pathname }) =>
    pathname === '/nowhere' ? unreadable() : { size: 100, read: unreadable, close: async () => {} },
  download: async function* () {
    throw new CodexError('proving/cannot-download', 'the line broke')
  },
  openStore: async () => undefined,
  random: { bytes: (length) => new Uint8Array(length) },
}
const { createProver, devSetup } = provingFunctions(PLATFORM)

it.each([
  ['file:///nowhere', 'proving/unreadable-source'],
  ['file:///damaged', 'proving/unreadable-source'],
  ['https://localhost/circuit', 'proving/cannot-download'],
])('a circuit file at %s that cannot be had is named', async (address, code) => {
  const url = new URL(address)
  await expect(createProver({ circuit: { wasm: new Uint8Array(8), zkey: url } })).rejects.toMatchObject({
    code,
    detail: { field: 'zkey' },
  })
  await expect(createProver({ circuit: { wasm: url, zkey: new Uint8Array(8) } })).rejects.toMatchObject({
    code,
    detail: { field: 'wasm' },
  })
})

it.each<[string, unknown, string]>([
  ['nothing', undefined, 'request'],
  ['no circuit', { seed: 'a' }, 'r1cs'],
  ['a text for a circuit', { r1cs: 'text', seed: 'a' }, 'r1cs'],
  ['no seed', { r1cs: new Uint8Array(8) }, 'seed'],
  ['a number for a seed', { r1cs: new Uint8Array(8), seed: 7 }, 'seed'],
  ['a signal that is none', { r1cs: new Uint8Array(8), seed: '', signal: 5 }, 'signal'],
  ['too many threads', { r1cs: new Uint8Array(8), seed: '', threads: 99 }, 'threads'],
])('a development setup from %s is refused by name', async (_, request, field) => {
  await expect(devSetup(request as never)).rejects.toMatchObject({ code: 'proving/bad-options', detail: { field } })
})
