// Fills a slab file beyond the limit its process was started with, and prints how that went.

import { CodexError } from '../../src/lib/errors.ts'
import { FileSlabFile } from '../../src/platform/nodejs/fileslabfile.ts'

const BLOCK_BYTES = 65_536

const file = await FileSlabFile.open(String(process.argv[2]))
const block = new Uint8Array(BLOCK_BYTES).fill(7)
await file.write([{ offset: 0, bytes: block }])
await file.flush()
const error = await file.write([{ offset: BLOCK_BYTES, bytes: block }]).then(
  () => 'none',
  (reason: unknown) => (CodexError.is(reason) ? reason.code : String(reason)),
)
const [first] = await file.read([{ offset: 0, length: BLOCK_BYTES }])
await file.truncate(BLOCK_BYTES)
await file.write([{ offset: BLOCK_BYTES, bytes: block.subarray(0, 1000) }])
await file.flush()
const isUsable = (await file.size()) === BLOCK_BYTES + 1000
await file.close()
const isFirstBlockWhole = first?.length === BLOCK_BYTES && first.every((byte) => byte === 7)
process.stdout.write(JSON.stringify({ error, isFirstBlockWhole, isUsable }))
