// prove, verify, circuit and bench as processes. Proofs are of circuits that take no time; the full one is fullproof.test.ts' business.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { createHash } from 'node:crypto'
import { smallCircuit } from '../proving/circuits.ts'
import { statement } from '../proving/statements.ts'
import { placeStub } from '../proving/stubcircuit.ts'
import { document, failure, noise, run, scratchFolder } from './command.ts'

const CHALLENGE = `0x${'5a'.repeat(32)}`
const asText = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item))

describe('the small circuit', () => {
  beforeAll(async () => {
    await smallCircuit()
  })

  it('is built, and proves what a file says', async () => {
    const folder = scratchFolder()
    const env = { XDG_CACHE_HOME: join(folder, 'cache') }
    const built = await document(['circuit', 'build', '--size', 'small'], { env })
    expect(Object.keys(built)).toEqual(['r1cs', 'wasm', 'zkey', 'verificationKey', 'sha256'])
    const sha256 = built['sha256'] as Record<string, string>
    for (const name of ['r1cs', 'wasm', 'zkey', 'verificationKey'])
      expect(
        createHash('sha256')
          .update(readFileSync(String(built[name])))
          .digest('hex'),
      ).toBe(sha256[name])
    const { inputs, publicSignals } = await statement(1)
    const [input, output] = [join(folder, 'inputs.json'), join(folder, 'proof.json')]
    writeFileSync(input, asText(inputs))
    const proven = await document(['prove', '--input', input, '--size', 'small'], { env })
    expect(proven).toMatchObject({ publicSignals, developmentOnly: true })
    writeFileSync(output, JSON.stringify(proven))
    const holds = { holds: true, publicSignals, developmentOnly: true }
    expect(await document(['verify', output, '--size', 'small'], { env })).toEqual(holds)
    expect(await document(['verify', output, '--key', String(built['verificationKey'])])).toEqual(holds)

    writeFileSync(output, JSON.stringify({ ...proven, publicSignals: publicSignals.with(2, '5') }))
    const { code, stdout } = await run(['verify', output, '--key', String(built['verificationKey']), '--json'])
    expect([code, (JSON.parse(stdout) as { holds: unknown }).holds]).toEqual([1, false])

    writeFileSync(input, asText({ ...inputs, entropy: -1 }))
    expect(await failure(['prove', '--input', input, '--size', 'small'], { env })).toMatchObject({
      code: 1,
      error: { code: 'proving/bad-input', detail: { field: 'entropy' } },
    })
  })
})

describe('a folder with a circuit', () => {
  it('is described, measured and proven with, from the store too', async () => {
    const folder = scratchFolder()
    await placeStub(folder)
    const info = await document(['circuit', 'info', '--circuit', folder])
    expect(info).toMatchObject({ folder, publicSignals: 3, developmentOnly: true })
    expect((info['files'] as { name: string }[]).map(({ name }) => name).sort()).toContain('circuit.zkey')

    const measured = await document(['bench', '--prove', '--circuit', folder, '--rounds', '1', '--period', '30s'])
    for (const engine of ['ours', 'snarkjs'])
      expect(measured[engine]).toMatchObject({ seconds: expect.any(Number), peakBytes: expect.any(Number) })
    expect(Object.keys((measured['ours'] as { stages: object }).stages)).toEqual(
      expect.arrayContaining(['witness', 'quotient', 'a', 'b1', 'b2', 'c', 'h', 'finish']),
    )
    const { seconds } = measured['ours'] as { seconds: number }
    expect(measured['safe']).toEqual({ slots: Math.floor(15 / seconds), periodSeconds: 30 })
    expect(measured['developmentOnly']).toBe(true)
    expect(measured['variant']).toMatch(/^(relaxed-simd|scalar)$/)

    const common = ['-d', join(folder, 'data')]
    writeFileSync(join(folder, 'file'), noise(150_000, 1))
    const { cid: plain } = await document(['upload', join(folder, 'file'), ...common])
    const { cid } = await document(['protect', String(plain), '--nodes', '3', '--tolerance', '1', ...common])
    const slot = ['--cid', String(cid), '--slot', '2', '--challenge', CHALLENGE]
    for (const engine of ['wasm', 'snarkjs']) {
      const proven = await document(['prove', ...slot, '--circuit', folder, '--engine', engine, ...common])
      expect((proven['publicSignals'] as string[])[2]).toBe('2')
      writeFileSync(join(folder, 'proof.json'), JSON.stringify(proven))
      if (engine === 'wasm') continue
      // A verification key that lost its mark does not hide what the proving key says.
      const unmarked = JSON.parse(readFileSync(join(folder, 'verification_key.json'), 'utf8')) as object
      writeFileSync(join(folder, 'verification_key.json'), JSON.stringify({ ...unmarked, developmentOnly: undefined }))
      const verdict = await document(['verify', join(folder, 'proof.json'), '--circuit', folder])
      expect(verdict).toMatchObject({ holds: true, developmentOnly: true })
    }

    const zkey = readFileSync(join(folder, 'circuit.zkey'))
    zkey[zkey.length >> 1] = (zkey[zkey.length >> 1] ?? 0) ^ 1
    writeFileSync(join(folder, 'circuit.zkey'), zkey)
    const damaged = ['prove', ...slot, '--circuit', folder, ...common]
    const { error } = await failure(damaged)
    expect(error).toMatchObject({ code: 'proving/file-changed', detail: { field: 'zkey' } })
    expect(error.message).toContain('circuit info --circuit FOLDER --accept')
    await document(['circuit', 'info', '--circuit', folder, '--accept'])
    expect((await run([...damaged, '--json'])).stdout).not.toContain('proving/file-changed')
  })
})

test.each<[readonly string[], string]>([
  [['prove', '--input', 'a', '--cid', 'b'], 'cli/bad-option'],
  [['prove', '--cid', 'nonsense', '--slot', '0', '--challenge', CHALLENGE], 'cid/not-base58btc'],
  [['prove', '--input', 'nowhere.json'], 'cli/bad-file'],
  [['bench'], 'cli/bad-option'],
  [['circuit', 'info', '--circuit', 'nowhere'], 'cli/bad-circuit'],
])('%j is refused', async (args, reason) => {
  const found = await failure(args, { cwd: scratchFolder() })
  expect([found.code, found.error.code]).toEqual([2, reason])
})

test.each(['null', '{"proof":null,"publicSignals":["1","2","3"]}'])(
  'a proof file that says %s is refused',
  async (text) => {
    const folder = scratchFolder()
    await placeStub(folder)
    writeFileSync(join(folder, 'proof.json'), text)
    const { error } = await failure(['verify', join(folder, 'proof.json'), '--circuit', folder])
    expect(error.code).toMatch(/^(proving\/bad-proof|cli\/bad-file)$/)
  },
)
