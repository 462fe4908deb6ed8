// ls: lists the datasets in the store, the damaged ones too.

import type { CodexError } from '../lib/errors.ts'
import { formatBytes } from '../lib/format.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { blocksCount, contentBytes } from '../protocol/manifest.ts'
import { EXIT } from './exitcodes.ts'
import { manifestDocument } from '../rest/manifestdocument.ts'
import { sentenceOf } from './sentenceof.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

const HEADER = ['CID', 'SIZE', 'BLOCKS', 'KIND', 'TYPE', 'NAME']
/** SIZE and BLOCKS. */
const NUMBERS = [1, 2]

export const ls = defineVerb({
  about: `Lists every dataset in the store, in the order of their CIDs. Sizes are those of the content.
A dataset whose manifest is damaged is listed as such, with the reason on stderr, and the command fails.`,
  options: {},
  examples: ['codex-light ls --json'],
  document: `{ content: [{ cid, manifest: { treeCid, datasetSize (bytes), blockSize (bytes), protected, filename or null,
  mimetype or null } }] }; if there are any also damaged: [cid]`,
  async run(_, call) {
    const { terminal, signal } = call
    const found: { cid: string; manifest: Manifest }[] = []
    const damaged: { cid: string; error: CodexError }[] = []
    await withAccess(call, 'look', (node) =>
      terminal.progress({ label: 'listing' }, async () => {
        for await (const entry of node.list({ signal })) {
          const cid = String(entry.cid)
          if (entry.manifest === undefined) damaged.push({ cid, error: entry.error })
          else found.push({ cid, manifest: entry.manifest })
        }
      }),
    )
    const content = found.map(({ cid, manifest }) => ({ cid, manifest: manifestDocument(manifest) }))
    await terminal.answer(
      damaged.length === 0 ? { content } : { content, damaged: damaged.map(({ cid }) => cid) },
      table([HEADER, ...found.map(row), ...damaged.map(({ cid }) => [cid, '-', '-', 'damaged', '-', '-'])], NUMBERS),
    )
    for (const { error } of damaged) terminal.say(`codex-light: ${sentenceOf(error)} (${error.code})`)
    return damaged.length === 0 ? undefined : EXIT.failed
  },
})

function row({ cid, manifest }: { readonly cid: string; readonly manifest: Manifest }): string[] {
  const { kind, mimetype = '-', filename = '-' } = manifest
  return [cid, formatBytes(contentBytes(manifest)), String(blocksCount(manifest)), kind, mimetype, filename]
}
