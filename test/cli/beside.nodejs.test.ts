// The verbs about slots and proofs beside a running node of the same folder: they ask it, and answer what they answer without one.

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { placeStub } from '../proving/stubcircuit.ts'
import vectors from '../vectors/slots.json' with { type: 'json' }
import { document, failure, run, scratchFolder } from './command.ts'
import { startNode, stopWell } from './startednode.ts'

const [known] = vectors.cases
if (known === undefined) throw new Error('the vectors have no case')
const { ecK, ecM, seed, datasetSize, plain, verifiable, slots, proof } = known

test('protect, slots, proof-input and prove ask the node that runs', async () => {
  const folder = scratchFolder()
  const dataDir = join(folder, 'data')
  const common = ['-d', dataDir]
  const bytes = Uint8Array.from(
    { length: datasetSize },
    (_, i) => i * 131 + Math.floor(i / 256) * 17 + Math.floor(i / 65_536) * 29 + 7 + seed * 53,
  )
  writeFileSync(join(folder, 'file'), bytes)
  await placeStub(folder)
  const node = await startNode(dataDir)
  await document(['upload', join(folder, 'file'), '--no-metadata', ...common])
  const [cid, nodes] = [verifiable.manifestCid, ecK + ecM]
  const code = ['--nodes', String(nodes), '--tolerance', String(ecM)]
  const slotRoots = slots.map(({ slotRoot }) => slotRoot)
  const made = await document(['protect', plain.manifestCid, ...code, ...common])
  expect(made).toMatchObject({ cid, nodes, tolerance: ecM, slotSize: known.slotSizeOnChain, slotRoots })
  expect(made['merkleRoot']).toBe(known.merkleRootOnChain)

  const asked = ['proof-input', cid, String(proof.slotIndex), '--challenge', proof.challenge, '--json', ...common]
  const looks: readonly string[][] = [
    ['slots', 'list'],
    ['slots', 'show', cid],
    ['slots', 'verify', cid, '1'],
    ['slots', 'build', cid, '1'],
    ['slots', 'repair', cid],
  ]
  const beside: unknown[] = []
  for (const look of looks) beside.push(await document([...look, ...common]))
  expect(
    createHash('sha256')
      .update((await run(asked)).stdout.trimEnd())
      .digest('hex'),
  ).toBe(proof.circuitInputSha256)

  const slot = ['--cid', cid, '--slot', '1', '--challenge', proof.challenge, '--circuit', folder]
  const proven = await document(['prove', ...slot, ...common])
  expect((proven['publicSignals'] as string[])[2]).toBe('1')
  writeFileSync(join(folder, 'proof.json'), JSON.stringify(proven))
  // These open no folder of a node at all.
  const verdict = await document(['verify', join(folder, 'proof.json'), '--circuit', folder, ...common])
  const info = await document(['circuit', 'info', '--circuit', folder, ...common])
  expect([verdict['holds'], info['publicSignals']]).toEqual([true, 3])

  const refusals: readonly [args: string[], code: string, exit: number][] = [
    [['slots', 'repair', cid, '9'], 'slots/no-such-slot', 2],
    [['protect', cid, ...code], 'slots/already-protected', 1],
  ]
  for (const [args, reason, exit] of refusals) {
    const found = await failure([...args, ...common])
    expect([args, found.error.code, found.code]).toEqual([args, reason, exit])
  }
  expect(await document(['space', '--check', ...common])).toMatchObject({ problems: [] })
  await expectChecked(dataDir, plain.manifestCid)
  await stopWell(node)
  // What it answered is what the folder says.
  expect(await document(['slots', 'show', cid, ...common])).toEqual(beside[1])
}, 240_000)

/** The rows look at what comes in by themselves: not everybody asks through a verb. */
async function expectChecked(dataDir: string, cid: string): Promise<void> {
  const { url, token } = JSON.parse(readFileSync(join(dataDir, 'api.json'), 'utf8')) as { url: string; token: string }
  const ask = async (method: string, path: string): Promise<unknown[]> => {
    const answer = await fetch(`${url}api/v1/${path}`, { method, headers: { Authorization: `Bearer ${token}` } })
    const lines = (await answer.text()).trimEnd().split('\n')
    const last = JSON.parse(lines.at(-1) ?? '') as { code?: string; error?: { code: string } }
    return [answer.status, last.code ?? last.error?.code]
  }
  expect(await ask('POST', 'datasets/nonsense/protect?nodes=3&tolerance=1')).toEqual([400, 'cid/not-base58btc'])
  expect(await ask('POST', `datasets/${cid}/protect?nodes=3`)).toEqual([400, 'rest/bad-number'])
  expect(await ask('POST', `datasets/${cid}/protect?nodes=3&tolerance=2`)).toEqual([200, 'rest/bad-code'])
  expect(await ask('POST', `datasets/${cid}/slots/verify?index=-1`)).toEqual([400, 'rest/bad-number'])
  expect(await ask('GET', `datasets/${cid}/slots`)).toEqual([409, 'slots/not-verifiable'])
  expect(await ask('GET', `datasets/${cid}/slots/0/proof-input?challenge=0x12`)).toEqual([400, 'slots/bad-challenge'])
}
