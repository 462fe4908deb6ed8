// demo: what the node can do so far, on a real file, as a timeline; then the page. What is still to come it says.

import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CodexError } from '../lib/errors.ts'
import { formatBytes, formatCount } from '../lib/format.ts'
import { loadOnce } from '../lib/loadonce.ts'
import type { Cid } from '../protocol/cid.ts'
import { openFileSource } from './filesource.ts'
import { mimetypeOf } from './mimetypeof.ts'
import { flag } from './option.ts'
import type { PageServer } from './servepage.ts'
import { servePage } from './servepage.ts'
import { spaceText } from './space.ts'
import type { Call } from './verb.ts'
import { defineVerb } from './verb.ts'
import type { LocalNode } from './withnode.ts'
import { withNode } from './withnode.ts'

const STILL_TO_COME = 'Still to come: proofs, exchange with peers, a chain of its own, selling space.'
/** Looked for in the package's folder when no file is named. */
const OWN_FILES = ['README.md', 'package.json']
const MAX_TO_LIST = 20
/** Of a file that has as many blocks. */
const DATA_SLOTS = 2
/** On a chain it is the hash of a block that nobody knows beforehand. */
const EXAMPLE_CHALLENGE = `0x${'c0de'.repeat(16)}`

export const demo = defineVerb({
  operands: { text: '[FILE]', min: 0, max: 1 },
  about: `Stores FILE (by default the package's own README), lists it, reads it back, compares every byte; cuts it into slots with parity, loses
one and rebuilds it, makes what a proof of it takes; removes everything; then serves the page on loopback until Ctrl-C, which is its normal end. Uses a temporary data folder unless --data-dir names one.
${STILL_TO_COME}`,
  options: { once: flag('end after the timeline, serve no page') },
  document: '{ ok, cid, bytes, blocks, phases: [{ name, ms }], page: URL or null }; printed when the page is served',
  async run({ once }, call) {
    const { terminal } = call
    const path = call.operands[0] ?? (await ownFile(call.dist))
    const timeline = await inFolder(call, (inside) => runTimeline(inside, resolve(path)))
    const page = once === true ? undefined : await pageOf(call)
    await terminal.answer(
      { ok: true, ...timeline, page: page?.url ?? null },
      page === undefined ? STILL_TO_COME : `${STILL_TO_COME}\nThe page: ${page.url} (Ctrl-C ends)`,
    )
    if (page === undefined) return undefined
    await aborted(call.signal)
    await page.close()
    return undefined
  },
})

interface Timeline {
  readonly cid: string
  readonly bytes: number
  readonly blocks: number
  readonly phases: readonly { readonly name: string; readonly ms: number }[]
}

type Advance = (doneBytes: number) => void

async function runTimeline(call: Call, path: string): Promise<Timeline> {
  const { signal } = call
  const phases: { name: string; ms: number }[] = []
  const phase = async <T>(
    name: string,
    work: (advance: Advance) => Promise<T>,
    tell: (result: T) => string,
  ): Promise<T> => {
    const startMs = performance.now()
    const result = await call.terminal.progress({ label: name }, work)
    const ms = Math.round(performance.now() - startMs)
    phases.push({ name, ms })
    await narrate(call, `${`${ms} ms`.padStart(9)}  ${name.padEnd(9)}  ${tell(result)}`)
    return result
  }
  const showSpace = async (node: LocalNode) => narrate(call, indented(spaceText(await node.repo.space())))
  return withNode(call, 'change', async (node) => {
    const { cid, manifest, blocks } = await phase(
      'upload',
      (advance) => uploadFile(node, path, signal, advance),
      (done) =>
        `${path}: ${formatBytes(done.manifest.datasetSize)} in ${formatCount(done.blocks, 'block')} -> ${done.cid}`,
    )
    await showSpace(node)
    await phase(
      'list',
      () => listed(node, cid, signal),
      (names) => names.join(', '),
    )
    await phase(
      'read back',
      (advance) => compare(node, cid, path, signal, advance),
      (bytes) => `${formatBytes(bytes)}, every byte as in the file`,
    )
    const ecK = Math.min(DATA_SLOTS, blocks)
    const made = await phase(
      'protect',
      () => node.slots.protect(cid, { ecK, ecM: 1, signal }),
      (built) => `${formatCount(ecK, 'slot')} of data, 1 of parity -> ${built.verifiableCid}`,
    )
    await phase(
      'lose',
      () => node.slots.dropSlot(made.verifiableCid, 0, { signal }),
      (lost) => `slot 0 with ${formatCount(lost, 'block')}`,
    )
    await phase(
      'repair',
      () => node.slots.repair(made.verifiableCid, 0, { signal }),
      ({ rebuiltBlocks }) =>
        `${formatCount(rebuiltBlocks, 'block')} computed from the other slots, same root as before`,
    )
    await phase(
      'sample',
      () => node.slots.proofInputs(made.verifiableCid, 0, EXAMPLE_CHALLENGE, { signal }),
      ({ cellData }) => `${formatCount(cellData.length, 'cell')} of slot 0, for the challenge of a period`,
    )
    await phase(
      'remove',
      async () => {
        for (const each of [made.verifiableCid, made.protectedCid, cid]) await node.datasets.remove(each, { signal })
      },
      () => 'everything',
    )
    await showSpace(node)
    return { cid: String(cid), bytes: manifest.datasetSize, blocks, phases }
  })
}

async function uploadFile(node: LocalNode, path: string, signal: AbortSignal, advance: Advance) {
  const source = await openFileSource(path)
  try {
    const filename = basename(path)
    return await node.datasets.upload(source.pieces, {
      filename,
      mimetype: mimetypeOf(filename),
      signal,
      progress: ({ storedBytes }) => advance(storedBytes),
    })
  } finally {
    await source.close()
  }
}

async function listed(node: LocalNode, cid: Cid, signal: AbortSignal): Promise<string[]> {
  const names: string[] = []
  let found = false
  for await (const entry of node.datasets.list({ signal })) {
    found ||= String(entry.cid) === String(cid)
    if (names.length < MAX_TO_LIST) names.push(entry.manifest?.filename ?? String(entry.cid))
  }
  if (!found) throw new CodexError('demo/not-listed', `expected ${cid} in the list, found it missing`)
  return names
}

/** @returns how many bytes were compared @throws CodexError `demo/differs` */
async function compare(
  node: LocalNode,
  cid: Cid,
  path: string,
  signal: AbortSignal,
  advance: Advance,
): Promise<number> {
  const file = await open(path, 'r')
  try {
    let at = 0
    for await (const piece of node.datasets.read(cid, { signal })) {
      const expected = Buffer.alloc(piece.length)
      await file.read(expected, 0, piece.length, at)
      if (!expected.equals(piece))
        throw new CodexError('demo/differs', `bytes from ${at} on are not those of the file`, { detail: { at } })
      at += piece.length
      advance(at)
    }
    const { size } = await file.stat()
    if (at !== size)
      throw new CodexError('demo/differs', `expected ${size} bytes, found ${at}`, { detail: { at, size } })
    return at
  } finally {
    await file.close()
  }
}

/** With a folder of its own that is gone afterwards, unless the user named one. */
async function inFolder<T>(call: Call, work: (call: Call) => Promise<T>): Promise<T> {
  if (call.settings['data-dir'].source !== 'default') return work(call)
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-demo-'))
  try {
    const chosen = { given: folder, source: 'default' as const, value: () => folder }
    return await work({ ...call, settings: { ...call.settings, 'data-dir': chosen } })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function pageOf(call: Call): Promise<PageServer | undefined> {
  const { dist, terminal } = call
  try {
    return await servePage(fileURLToPath(new URL('web/', dist)), { circuit: loadOnce(() => developmentCircuit(call)) })
  } catch (error) {
    if (!CodexError.is(error, 'page/not-built')) throw error
    terminal.say(`no page is served: ${error.message}`)
    return undefined
  }
}

/** For the page's prover meter, made when that is first asked for: the first time it takes half a minute. */
async function developmentCircuit({ signal }: Call): Promise<string> {
  const [{ openProving }, { buildCircuit }] = await Promise.all([import('../nodejs.ts'), import('./buildcircuit.ts')])
  return (await buildCircuit(await openProving(), 'full', { signal, tell: () => {} })).folder
}

async function ownFile(dist: URL): Promise<string> {
  for (const name of OWN_FILES) {
    const path = fileURLToPath(new URL(`../${name}`, dist))
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile() === true) return path
  }
  throw new CodexError('demo/no-file', 'found no file of the package to show; name one: codex-light demo FILE')
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }))
}

/** A part of the answer that comes before its end; with --json the document says it all. */
async function narrate({ terminal }: Call, text: string): Promise<void> {
  if (!terminal.json) await terminal.write(Buffer.from(`${text}\n`))
}

function indented(text: string): string {
  return text.replace(/^/gm, ' '.repeat(11))
}
