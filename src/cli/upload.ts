// upload FILE: stores a file or stdin as a dataset and answers its CID.

import { basename } from 'node:path'
import { utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { formatBytes, formatCount } from '../lib/format.ts'
import type { Seconds } from '../lib/units.ts'
import { MAX_FILENAME_BYTES, MAX_MIMETYPE_BYTES } from '../protocol/checkmanifest.ts'
import { openFileSource, openStdin } from './filesource.ts'
import { mimetypeOf } from './mimetypeof.ts'
import type { OptionValues } from './option.ts'
import { flag, text } from './option.ts'
import { STORING_SETTINGS } from './settings.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

const OPTIONS = {
  filename: text('NAME', 'name to keep with the data, by default the base name of FILE'),
  mimetype: text('TYPE', 'type to keep with the data, by default what the ending of the name says'),
  'no-metadata': flag('keep neither name nor type'),
}

export const upload = defineVerb({
  operands: { text: 'FILE', min: 1, max: 1 },
  about: `Stores FILE (- for stdin) and prints its CID. Name and type are part of what the CID is made from.
A failed or interrupted upload leaves nothing behind, also when FILE changes while it is read.`,
  options: OPTIONS,
  settings: STORING_SETTINGS,
  examples: [
    'codex-light upload holiday.jpg',
    'codex-light upload - --filename backup.tar --mimetype application/x-tar',
  ],
  document: `{ cid, treeCid, datasetSize (bytes), blockSize (bytes), blocks, filename or null, mimetype or null, expiry (seconds since
  1970: from then on the data may go; uploading it again keeps it longer) }`,
  async run(options, call) {
    const { signal, terminal } = call
    const [path = ''] = call.operands
    const names = namesOf(path, options)
    const source = path === '-' ? openStdin(signal) : await openFileSource(path)
    try {
      const { cid, manifest, blocks, expiry } = await withAccess(call, 'change', (node) =>
        terminal.progress({ label: 'storing', totalBytes: source.sizeBytes }, (advance) =>
          node.upload(source.pieces, { ...names, signal, progress: (doneBytes) => advance(doneBytes) }),
        ),
      )
      const { treeCid, datasetSize, blockSize, filename = null, mimetype = null } = manifest
      await terminal.answer(
        { cid: String(cid), treeCid: String(treeCid), datasetSize, blockSize, blocks, filename, mimetype, expiry },
        String(cid),
      )
      terminal.remark(`stored ${formatBytes(datasetSize)} in ${formatCount(blocks, 'block')}`)
      if (expiry !== undefined) terminal.remark(`kept until ${dayOf(expiry)}; upload it again to keep it longer`)
      return undefined
    } finally {
      await source.close()
    }
  },
})

/** The last instant a Date can hold. */
const MAX_DATE_SECONDS: Seconds = 8_640_000_000_000

/** `2026-12-21`, in UTC. */
function dayOf(time: Seconds): string {
  const [day = ''] = new Date(Math.min(time, MAX_DATE_SECONDS) * 1000).toISOString().split('T')
  return day
}

interface Names {
  readonly filename: string | undefined
  readonly mimetype: string | undefined
}

/** Checked before a byte is read. @throws CodexError `cli/bad-operands`, `cli/bad-value` */
function namesOf(path: string, options: OptionValues<typeof OPTIONS>): Names {
  if (options['no-metadata'] === true) {
    if (options.filename !== undefined || options.mimetype !== undefined)
      throw new CodexError('cli/bad-operands', '--no-metadata goes with neither --filename nor --mimetype')
    return { filename: undefined, mimetype: undefined }
  }
  const filename = options.filename ?? (path === '-' ? '' : basename(path))
  const mimetype = options.mimetype ?? mimetypeOf(filename) ?? ''
  if (/\p{Surrogate}/u.test(filename) || utf8(filename).length > MAX_FILENAME_BYTES)
    throw badName('filename', `at most ${MAX_FILENAME_BYTES} bytes of Unicode text`)
  if (mimetype !== '' && !/^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/.test(mimetype))
    throw badName('mimetype', 'a type such as application/pdf')
  if (utf8(mimetype).length > MAX_MIMETYPE_BYTES) throw badName('mimetype', `at most ${MAX_MIMETYPE_BYTES} bytes`)
  // An empty name is no name.
  return { filename: filename || undefined, mimetype: mimetype || undefined }
}

function badName(option: string, expected: string): CodexError<'cli/bad-value'> {
  return new CodexError('cli/bad-value', `--${option}: expected ${expected}`, { detail: { from: `--${option}` } })
}
