// download CID: reads a dataset, a part of it, or one block back to a file or to stdout.

import { resolve } from 'node:path'
import { CodexError } from '../lib/errors.ts'
import { formatBytes } from '../lib/format.ts'
import type { Cid } from '../protocol/cid.ts'
import { isManifestCid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { contentBytes } from '../protocol/manifest.ts'
import type { FileTarget } from './filetarget.ts'
import { openFileTarget } from './filetarget.ts'
import { flag, size, text } from './option.ts'
import { readCid } from './readcid.ts'
import { safeFilename } from './safefilename.ts'
import type { Call } from './verb.ts'
import { defineVerb } from './verb.ts'
import type { LocalNode } from './withnode.ts'
import { withNode } from './withnode.ts'

const STDOUT = '-'

export const download = defineVerb({
  operands: { text: 'CID', min: 1, max: 1 },
  about: `Reads the dataset CID, or the one block that CID names, and prints the path of the file it wrote.
Without -o the file gets the name kept with the data, in the current folder. Bytes go to FILE.part beside it, which becomes
FILE when all of them are there and durable. Every block is checked against its hash.`,
  options: {
    output: text('FILE', 'where to write; - for stdout', { short: 'o' }),
    offset: size('first byte to read, by default 0'),
    length: size('bytes to read, by default up to the end'),
    force: flag('replace FILE if it exists', { short: 'f' }),
  },
  document: '{ cid, path (absolute), bytes, filename or null, mimetype or null }; not together with -o -',
  async run(options, call) {
    const cid = readCid(call.operands[0] ?? '')
    const { terminal } = call
    if (options.output === STDOUT && terminal.json)
      throw new CodexError('cli/bad-operands', '--json and -o - both want stdout; choose one')
    return withNode(call, 'look', async (node) => {
      const content = await openContent(node, cid, options, call.signal)
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

interface Content {
  readonly manifest: Manifest | undefined
  readonly sizeBytes: number
  readonly pieces: AsyncIterable<Uint8Array>
}

interface Range {
  readonly offset: number | undefined
  readonly length: number | undefined
}

async function openContent(node: LocalNode, cid: Cid, range: Range, signal: AbortSignal): Promise<Content> {
  if (!isManifestCid(cid)) return openBlock(node, cid, range)
  const manifest = await node.datasets.manifest(cid)
  const { offset, length } = checkedRange(range, contentBytes(manifest))
  return { manifest, sizeBytes: length, pieces: node.datasets.read(cid, { offset, length, signal }) }
}

async function openBlock(node: LocalNode, cid: Cid, range: Range): Promise<Content> {
  const bytes = await node.repo.get(cid)
  if (bytes === undefined)
    throw new CodexError('dataset/not-found', `${cid.kind} ${cid} is not in the store`, {
      detail: { cid: String(cid), kind: cid.kind },
    })
  const { offset, length } = checkedRange(range, bytes.length)
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
