// ls: lists the datasets in the store.

import { formatBytes } from '../lib/format.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { blocksCount, contentBytes } from '../protocol/manifest.ts'
import { manifestDocument } from './manifestdocument.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import { withNode } from './withnode.ts'

const HEADER = ['CID', 'SIZE', 'BLOCKS', 'KIND', 'TYPE', 'NAME']
/** SIZE and BLOCKS. */
const NUMBERS = [1, 2]

export const ls = defineVerb({
  about: 'Lists every dataset in the store, in the order of their CIDs. Sizes are those of the content.',
  options: {},
  document: `{ content: [{ cid, manifest: { treeCid, datasetSize (bytes), blockSize (bytes), protected, filename or null,
  mimetype or null } }] }`,
  async run(_, call) {
    const { terminal, signal } = call
    const found: { cid: string; manifest: Manifest }[] = []
    await withNode(call, 'look', (node) =>
      terminal.progress({ label: 'listing' }, async () => {
        for await (const { cid, manifest } of node.datasets.list({ signal })) found.push({ cid: String(cid), manifest })
      }),
    )
    const content = found.map(({ cid, manifest }) => ({ cid, manifest: manifestDocument(manifest) }))
    await terminal.answer({ content }, table([HEADER, ...found.map(row)], NUMBERS))
    return undefined
  },
})

function row({ cid, manifest }: { readonly cid: string; readonly manifest: Manifest }): string[] {
  const { kind, mimetype = '-', filename = '-' } = manifest
  return [cid, formatBytes(contentBytes(manifest)), String(blocksCount(manifest)), kind, mimetype, filename]
}
