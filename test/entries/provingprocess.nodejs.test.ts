// A process that proves with the package as others import it: it ends by itself once its prover is closed, and one that is killed while it keeps a circuit
// leaves nothing that the next one would take for it.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { placeStub, stubInputs } from '../proving/stubcircuit.ts'

const ENTRY = fileURLToPath(new URL('../../dist/proving.nodejs.js', import.meta.url))

const SCRIPT = `
import { readFileSync } from 'node:fs'
import { createProver, verify } from ${JSON.stringify(pathToFileURL(ENTRY).href)}
const [base, pins, inputs] = process.argv.slice(1)
const sha256 = JSON.parse(readFileSync(pins, 'utf8'))
const circuit = { wasm: new URL('circuit.wasm', base), zkey: new URL('circuit.zkey', base), sha256 }
const prover = await createProver({ circuit, threads: 2 })
const { proof, publicSignals } = await prover.prove(JSON.parse(inputs), { signal: new AbortController().signal, rank: 'sale' })
await prover.close()
process.stdout.write(String(verify(prover.verificationKey, publicSignals, proof)))
`

test('ends by itself, and leaves nothing half written when it is killed', async () => {
  if (!existsSync(ENTRY)) throw new Error(`found no ${ENTRY}: build it with npm run build`)
  const folder = mkdtempSync(join(tmpdir(), 'codex-light-process-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  await placeStub(folder)
  const { wasm, zkey } = JSON.parse(readFileSync(join(folder, 'sha256.json'), 'utf8')) as Record<string, string>
  writeFileSync(join(folder, 'pins.json'), JSON.stringify({ wasm, zkey }))
  let isStalled = true
  const server = createServer((request, response) => {
    const bytes = readFileSync(join(folder, request.url?.slice(1) ?? ''))
    response.writeHead(200, { 'Content-Length': bytes.length })
    if (isStalled) response.write(bytes.subarray(0, bytes.length / 2))
    else response.end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const kept = join(folder, 'cache', 'codex-light', 'artefacts')
  const begin = () => {
    const args = ['--input-type=module', '-e', SCRIPT, base, join(folder, 'pins.json'), JSON.stringify(stubInputs())]
    const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve([code, said]))) }
  }
  const names = (): string[] => (existsSync(kept) ? readdirSync(kept) : [])

  const killed = begin()
  await expect.poll(names).toHaveLength(1)
  killed.child.kill('SIGKILL')
  await killed.ended
  const [draft = ''] = names()
  expect([names().length, draft]).toEqual([1, expect.stringMatching(/^draft-/)])

  isStalled = false
  expect(await begin().ended).toEqual([0, 'true'])
  const whole = [`${wasm}.wasm`, `${wasm}.wasm.json`, `${zkey}.zkey`, `${zkey}.zkey.json`, draft]
  expect(names().sort()).toEqual(whole.sort())
  for (const [name, hash] of [
    ['wasm', wasm],
    ['zkey', zkey],
  ] as const)
    expect(readFileSync(join(kept, `${hash}.${name}`)).equals(readFileSync(join(folder, `circuit.${name}`)))).toBe(true)
})
