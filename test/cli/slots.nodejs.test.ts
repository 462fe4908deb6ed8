// The verbs about slots as processes, against the vectors: protect, slots build, verify, repair, list, show, and proof-input.

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exitCodeOf } from '../../src/cli/exitcodes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { formatBytes } from '../../src/lib/format.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import { openNode } from '../../src/nodejs.ts'
import { NEVER } from '../fakes/memorystore.ts'
import { quietParts } from '../bench/quietparts.ts'
import vectors from '../vectors/slots.json' with { type: 'json' }
import { document, failure, run, scratchFolder, soundSpace } from './command.ts'

type Case = (typeof vectors.cases)[number]

/** The bytes that the vectors are made of. */
function bytesOf({ datasetSize, seed }: Case): Uint8Array {
  return Uint8Array.from(
    { length: datasetSize },
    (_, i) => i * 131 + Math.floor(i / 256) * 17 + Math.floor(i / 65_536) * 29 + 7 + seed * 53,
  )
}

async function protectedCase(known: Case): Promise<{ readonly common: string[]; readonly cid: string }> {
  const folder = scratchFolder()
  const common = ['-d', join(folder, 'data')]
  writeFileSync(join(folder, 'file'), bytesOf(known))
  const { cid: plain } = await document(['upload', join(folder, 'file'), '--no-metadata', ...common])
  expect(plain).toBe(known.plain.manifestCid)
  const { ecK, ecM } = known
  const made = await document([
    'protect',
    String(plain),
    '--nodes',
    String(ecK + ecM),
    '--tolerance',
    String(ecM),
    ...common,
  ])
  expect(made).toEqual({
    cid: known.verifiable.manifestCid,
    plainCid: known.plain.manifestCid,
    protectedCid: known.protected.manifestCid,
    nodes: ecK + ecM,
    tolerance: ecM,
    slotSize: known.slotSizeOnChain,
    datasetRoot: known.verifyRoot,
    merkleRoot: known.merkleRootOnChain,
    slotRoots: known.slots.map(({ slotRoot }) => slotRoot),
  })
  return { common, cid: String(made['cid']) }
}

// The others are those of the functions beneath, too.
const cases = vectors.cases.slice(0, import.meta.env['LONG'] ? undefined : 1)

test.each(cases.map((known) => [known.name, known] as const))(
  '%s is protected and gives the circuit its input',
  async (_, known) => {
    const { common, cid } = await protectedCase(known)
    const { slotIndex, challenge, circuitInputSha256 } = known.proof
    const asked = ['proof-input', cid, String(slotIndex), '--challenge', challenge, ...common]
    const { code, stdout } = await run([...asked, '--json'])
    expect(code).toBe(0)
    expect(createHash('sha256').update(stdout.trimEnd()).digest('hex')).toBe(circuitInputSha256)
    if (known !== vectors.cases[0] && !import.meta.env['LONG']) return
    // For people the same, indented.
    expect(JSON.stringify(JSON.parse((await run(asked)).stdout))).toBe(stdout.trimEnd())
    const report = await document(['slots', 'verify', cid, ...common])
    expect(report['slots']).toEqual(
      known.slots.map(({ index }) => ({
        index,
        outcome: 'ok',
        blocks: known.numSlotBlocks,
        missingBlocks: 0,
        missing: [],
        damagedBlocks: 0,
        damaged: [],
        hasTree: true,
      })),
    )
    await soundSpace(String(common[1]))
  },
)

const padded = vectors.cases.find(({ numSlotBlocks, ecM }) => numSlotBlocks > 1 && ecM > 1) ?? vectors.cases[0]

test('slots are listed, shown, built again, and repair says what it did', async () => {
  if (padded === undefined) throw new Error('the vectors have no case')
  const { common, cid } = await protectedCase(padded)
  const { ecK, ecM, slotSizeOnChain, numSlotBlocks, slots } = padded
  expect(await document(['slots', 'list', ...common])).toEqual({
    datasets: [
      { cid, nodes: ecK + ecM, tolerance: ecM, slotSize: slotSizeOnChain, wholeSlots: ecK + ecM, filename: null },
    ],
  })
  const shown = await document(['slots', 'show', cid, ...common])
  expect(shown['slots']).toEqual(
    slots.map(({ index, slotRoot }) => ({
      index,
      kind: index < ecK ? 'data' : 'parity',
      blocks: numSlotBlocks,
      presentBlocks: numSlotBlocks,
      hasTree: true,
      root: slotRoot,
    })),
  )
  const { stdout } = await run(['slots', 'show', cid, ...common])
  expect(stdout).toContain(`${ecK + ecM} slots of ${formatBytes(slotSizeOnChain)}, any ${ecM} of which may be lost`)
  expect(stdout).toContain(`[${'#'.repeat(20)}]`)
  const built = await document(['slots', 'build', padded.protected.manifestCid, ...common])
  expect(built['cid']).toBe(cid)
  expect(built['merkleRoot']).toBe(padded.merkleRootOnChain)
  expect(await document(['slots', 'build', cid, '1', ...common])).toEqual({
    cid,
    slots: [{ index: 1, root: slots[1]?.slotRoot }],
  })
  expect(await document(['slots', 'repair', cid, '0', ...common])).toEqual({
    cid,
    slots: [{ index: 0, blocks: numSlotBlocks, rebuiltBlocks: 0 }],
  })
  expect((await run(['slots', 'repair', cid, ...common])).stdout.trimEnd().split('\n')).toEqual(
    slots.map(({ index }) => `slot ${index}  was whole`),
  )
})

test.runIf(import.meta.env['LONG'])(
  'build makes what trees are missing and says so; to read every block is for verify',
  async () => {
    if (padded === undefined) throw new Error('the vectors have no case')
    const { common, cid } = await protectedCase(padded)
    const node = await openNode({ dataDir: String(common[1]), ...quietParts() })
    await node.slots.dropSlot(parseCid(cid), 0, { signal: NEVER })
    await node.stop()
    expect((await document(['slots', 'build', cid, ...common]))['cid']).toBe(cid)
    expect((await failure(['slots', 'build', cid, '0', ...common])).error.code).toBe('slots/block-missing')
    expect((await run(['slots', 'verify', cid, ...common])).code).toBe(1)
    const { stdout } = await run(['slots', 'build', '--help'])
    expect(stdout.replace(/\s+/g, ' ')).toContain('slots whose tree is there are not read again')
  },
)

test('slots that were lost are named, rebuilt from the others, and whole again', async () => {
  if (padded === undefined) throw new Error('the vectors have no case')
  const { common, cid } = await protectedCase(padded)
  const { ecK, ecM, numSlotBlocks } = padded
  const dataDir = String(common[1])
  // A data slot and a parity slot; no verb loses data.
  const lost = [0, ecK]
  const node = await openNode({ dataDir, ...quietParts() })
  for (const index of lost) await node.slots.dropSlot(parseCid(cid), index, { signal: NEVER })
  await node.stop()
  const found = await run(['slots', 'verify', cid, ...common])
  expect(found.code).toBe(1)
  expect(found.stdout).toContain(`slot 0  blocks missing  ${numSlotBlocks} of ${numSlotBlocks} blocks missing`)
  // Reading needs no repair first: what is lost is computed.
  const copy = join(dataDir, '..', 'copy')
  expect(await document(['download', cid, '-o', copy, ...common])).toMatchObject({ bytes: padded.datasetSize })
  expect(Buffer.compare(readFileSync(copy), bytesOf(padded))).toBe(0)
  expect(await document(['slots', 'list', ...common])).toMatchObject({ datasets: [{ cid, wholeSlots: ecK + ecM - 2 }] })
  expect(await document(['slots', 'repair', cid, '0', ...common])).toEqual({
    cid,
    slots: [{ index: 0, blocks: numSlotBlocks, rebuiltBlocks: numSlotBlocks }],
  })
  const { stdout } = await run(['slots', 'repair', cid, ...common])
  expect(stdout).toContain(`slot 0  was whole\n`)
  expect(stdout).toContain(`slot ${ecK}  rebuilt ${numSlotBlocks} blocks of ${numSlotBlocks}\n`)
  const { slots } = await document(['slots', 'verify', cid, ...common])
  expect((slots as { outcome: string }[]).map(({ outcome }) => outcome)).toEqual(Array(ecK + ecM).fill('ok'))
  await soundSpace(dataDir)
})

test('a block whose bytes have changed on disk is told from one that is lost', async () => {
  if (padded === undefined) throw new Error('the vectors have no case')
  const { common, cid } = await protectedCase(padded)
  const slab = join(String(common[1]), 'blocks.slab')
  const bytes = readFileSync(slab)
  bytes[0] = (bytes[0] as number) ^ 1
  writeFileSync(slab, bytes)
  const found = await run(['slots', 'verify', cid, '0', '--json', ...common])
  expect(found.code).toBe(1)
  expect(JSON.parse(found.stdout)).toMatchObject({ slots: [{ outcome: 'blocks damaged', damaged: [0], missing: [] }] })
  expect((await run(['slots', 'verify', cid, '0', ...common])).stdout).toContain(
    'slot 0  blocks damaged  1 block damaged',
  )
  expect(await document(['slots', 'repair', cid, '0', ...common])).toMatchObject({ slots: [{ rebuiltBlocks: 1 }] })
  expect((await run(['slots', 'verify', cid, '0', ...common])).code).toBe(0)
})

test.each(['slots/bad-challenge', 'slots/bad-merkle-root'])('%s is a mistake in what was asked', (code) => {
  expect(exitCodeOf(new CodexError(code, 'as a node that is called answers'))).toBe(2)
})

test('protect says when what a killed run left goes', async () => {
  const { stdout } = await run(['protect', '--help'])
  expect(stdout.replace(/\s+/g, ' ')).toContain('what one that was killed outright left goes at the next start')
})

test('refuses what cannot be, each with its code and exit code', async () => {
  const [known] = vectors.cases
  if (known === undefined) throw new Error('the vectors have no case')
  const { common, cid } = await protectedCase(known)
  const plain = known.plain.manifestCid
  const tries: readonly [args: string[], code: string, exit: number][] = [
    [['protect', plain, '--nodes', '3', '--tolerance', '2'], 'cli/bad-operands', 2],
    [['protect', plain, '--nodes', '0'], 'cli/bad-value', 2],
    [['protect', plain, '--nodes', '300', '--tolerance', '100'], 'erasure/bad-code', 2],
    [['protect', plain, '--nodes', '6', '--tolerance', '2'], 'erasure/too-small', 2],
    [['protect', cid], 'slots/already-protected', 1],
    [['slots', 'build', plain], 'slots/not-protected', 1],
    [['slots', 'build', plain, '0'], 'slots/not-verifiable', 1],
    [['slots', 'build', cid, 'x'], 'cli/bad-value', 2],
    [['slots', 'verify', plain], 'slots/not-verifiable', 1],
    [['slots', 'verify', cid, '3'], 'slots/no-such-slot', 2],
    [['slots', 'repair', cid, '3'], 'slots/no-such-slot', 2],
    [['slots', 'show', plain], 'slots/not-verifiable', 1],
    [['proof-input', cid, '3', '--challenge', `0x${'0'.repeat(64)}`], 'slots/no-such-slot', 2],
    [['proof-input', cid, '0'], 'cli/bad-option', 2],
    [['proof-input', cid, '0', '--challenge', '0x12'], 'cli/bad-value', 2],
  ]
  for (const [args, code, exit] of tries) {
    const found = await failure([...args, ...common])
    expect([args, found.error.code, found.code]).toEqual([args, code, exit])
  }
  await soundSpace(String(common[1]))
})
