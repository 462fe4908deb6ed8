// download CID: reads a dataset, a part of it, or one block to a file or to stdout; what is not in the store comes from peers first.

import { resolve } from 'node:path'
import { CodexError } from '../lib/errors.ts'
import { formatBytes, formatCount } from '../lib/format.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { isManifestCid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { contentBytes } from '../protocol/manifest.ts'
import type { FileTarget } from './filetarget.ts'
import { openFileTarget } from './filetarget.ts'
import { DEFAULT_STALL_SECONDS, type NodeAccess } from './nodeaccess.ts'
import { duration, flag, size, text } from './option.ts'
import { readCid } from './readcid.ts'
import { safeFilename } from './safefilename.ts'
import type { Call } from './verb.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

const STDOUT = '-'

export const download = defineVerb({
  operands: { text: 'CID', min: 1, max: 1 },
  about: `Reads the dataset CID, or the one block that CID names, and prints the path of the file it wrote. A dataset that is not in the store is
first fetched from peers; interrupted and called again, that goes on where it was. A block that is not there comes from peers too, and is not stored. Without -o the file gets the name kept with
the data, in the current folder. Bytes go to FILE.part beside it, which becomes FILE when all of them are there and durable.
Every block is checked against its hash, one from a peer also against its place in the dataset.`,
  options: {
    output: text('FILE', 'where to write; - for stdout', { short: 'o' }),
    offset: size('first byte to read, by default 0'),
    length: size('bytes to read, by default up to the end'),
    force: flag('replace FILE if it exists', { short: 'f' }),
    local: flag('only from the store, not from peers'),
    timeout: duration(`fail when no block comes from peers for so long, by default ${DEFAULT_STALL_SECONDS}s`),
  },
  settings: ['storage-quota', 'block-ttl', 'bootstrap-node'],
  examples: ['codex-light download CID -o holiday.jpg', 'codex-light download CID -o - --offset 1MiB --length 64KiB'],
  document: '{ cid, path (absolute), bytes, filename or null, mimetype or null }; not together with -o -',
  async run(options, call) {
    const cid = readCid(call.operands[0] ?? '')
    const { terminal } = call
    if (options.output === STDOUT && terminal.json)
      throw new CodexError('cli/bad-operands', '--json and -o - both want stdout; choose one')
    return withAccess(call, 'look', async (node) => {
      const manifest = isManifestCid(cid) ? await findManifest(node, cid, options, call) : undefined
      const stallSeconds = options.local === true ? undefined : (options.timeout ?? DEFAULT_STALL_SECONDS)
      const content = await openContent(node, cid, manifest, { ...options, stallSeconds }, call.signal)
      const path = options.output ?? safeFilename(content.manifest?.filename ?? '') ?? String(cid)
      const target =
        path === STDOUT ? stdoutTarget(call) : await openFileTarget(path, { force: options.force === true })
      try {
        await terminal.progress({ label: 'reading', totalBytes: content.sizeBytes }, (advance) =>
          copy(content.pieces, target, advance, call.signal),
        )
        await target.commit()
      } finally {
        await target.abandon()
      }
      if (path === STDOUT) return undefined
      const { filename = null, mimetype = null } = content.manifest ?? {}
      await terminal.answer(
        { cid: String(cid), path: resolve(path), bytes: content.sizeBytes, filename, mimetype },
        path,
      )
      terminal.remark(`read ${formatBytes(content.sizeBytes)}`)
      return undefined
    })
  },
})

interface FetchOptions {
  readonly local: boolean | undefined
  readonly timeout: Seconds | undefined
}

/** Of the store; of a dataset that is not whole there, after it was fetched. */
async function findManifest(
  node: NodeAccess,
  cid: Cid,
  { local, timeout = DEFAULT_STALL_SECONDS }: FetchOptions,
  { terminal, signal }: Call,
): Promise<Manifest> {
  try {
    return await node.manifest(cid, { signal })
  } catch (error) {
    if (local === true || !CodexError.is(error, 'dataset/not-found')) throw error
    return await terminal.progress({ label: 'looking for peers' }, (advance) =>
      node
        .fetch(cid, {
          signal,
          stallSeconds: timeout,
          progress: ({ doneBytes, totalBytes, peers }) =>
            advance(doneBytes, { label: `fetching from ${formatCount(peers, 'peer')}`, totalBytes }),
        })
        .catch((failure: unknown) => {
          // Where there is nobody to ask, what is missing matters more.
          throw CodexError.is(failure, 'node/no-network') ? error : failure
        }),
    )
  }
}

interface Content {
  readonly manifest: Manifest | undefined
  readonly sizeBytes: number
  readonly pieces: AsyncIterable<Uint8Array>
}

interface Range {
  readonly offset: number | undefined
  readonly length: number | undefined
}

interface Reading extends Range {
  /** For a block that is not in the store. */
  readonly stallSeconds: Seconds | undefined
}

async function openContent(
  node: NodeAccess,
  cid: Cid,
  manifest: Manifest | undefined,
  reading: Reading,
  signal: AbortSignal,
): Promise<Content> {
  if (manifest === undefined) return openBlock(node, cid, reading, signal)
  const { offset, length } = checkedRange(reading, contentBytes(manifest))
  return { manifest, sizeBytes: length, pieces: node.read(cid, { offset, length, signal }) }
}

async function openBlock(node: NodeAccess, cid: Cid, reading: Reading, signal: AbortSignal): Promise<Content> {
  const bytes = await node.block(cid, { stallSeconds: reading.stallSeconds, signal })
  const { offset, length } = checkedRange(reading, bytes.length)
  const part = bytes.subarray(offset, offset + length)
  return {
    manifest: undefined,
    sizeBytes: length,
    pieces: (async function* () {
      yield part
    })(),
  }
}

/** Before any file is made. @throws CodexError `dataset/bad-range` */
function checkedRange({ offset = 0, length }: Range, sizeBytes: number): { offset: number; length: number } {
  const checked = { offset, length: length ?? Math.max(0, sizeBytes - offset) }
  if (offset > sizeBytes || checked.length > sizeBytes - offset)
    throw new CodexError(
      'dataset/bad-range',
      `bytes ${offset} to ${offset + checked.length} lie outside of the ${sizeBytes} bytes there are`,
      { detail: { ...checked, sizeBytes } },
    )
  return checked
}

async function copy(
  pieces: AsyncIterable<Uint8Array>,
  target: FileTarget,
  advance: (doneBytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let doneBytes = 0
  for await (const piece of pieces) {
    signal.throwIfAborted()
    await target.write(piece)
    doneBytes += piece.length
    advance(doneBytes)
  }
}

function stdoutTarget({ terminal }: Call): FileTarget {
  return { write: (bytes) => terminal.write(bytes), commit: async () => undefined, abandon: async () => undefined }
}
