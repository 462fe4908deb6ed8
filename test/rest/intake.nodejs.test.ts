// What comes into the store over REST is limited by number and size, by whichever row it comes.

import { expect, test } from 'vitest'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import { FETCH_STALL_SECONDS, MAX_FETCHES, MAX_UPLOADS } from '../../src/rest/intake.ts'
import { fakeSurface } from './fakesurface.ts'

const { manifest, manifestCid: cid } = describeUpload(new Uint8Array(10))
const SPACE = { quotaMaxBytes: 1000, quotaUsedBytes: 900, quotaReservedBytes: 100 }
/** The rows that do the same. */
const UPLOADS = ['codex/v1/data', 'v1/datasets']
const FETCHES = [`codex/v1/data/${cid}/network`, `v1/datasets/${cid}/fetch`]

/** A surface whose uploads and fetches wait until they are let go. */
function surface() {
  let letGo: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (letGo = resolve))
  const stalls: (number | undefined)[] = []
  let begun = 0
  const ask = fakeSurface({
    node: {
      repo: { space: async () => SPACE, expiryOf: async () => undefined },
      datasets: {
        async *list() {},
        async upload() {
          begun++
          await gate
          return { cid, manifest, blocks: 1 }
        },
      },
    },
    network: {
      hasPeers: true,
      peers: () => [],
      manifest: async () => manifest,
      async fetch(_: unknown, { stallSeconds }: { readonly stallSeconds?: number }) {
        begun++
        stalls.push(stallSeconds)
        await gate
        return manifest
      },
    },
  })
  return {
    stalls,
    letGo: () => letGo(),
    begun: () => begun,
    async listed(): Promise<unknown> {
      const answer = await ask('codex/v1/data', { method: 'GET' })
      return ((await answer.json()) as { content: { cid: string }[] }).content.map((each) => each.cid)
    },
    async post(path: string, headers: Record<string, string> = {}): Promise<Response> {
      return ask(path, { method: 'POST', headers })
    },
  }
}

test.each(UPLOADS)('what the quota has no room for is refused before it is sent: %s', async (path) => {
  const { post, begun } = surface()
  const answer = await post(path, { 'content-length': '901' })
  // The network's row has the network's statuses.
  expect([answer.status, begun()]).toEqual([path.startsWith('codex') ? 500 : 413, 0])
  expect(await answer.text()).toContain('The storage quota is 1000 bytes, of which 900 are used')
})

test.each(UPLOADS)('so many uploads at once, and another when one has ended: %s', async (path) => {
  const { post, begun, letGo } = surface()
  // By all rows together.
  const open = Array.from({ length: MAX_UPLOADS }, (_, i) => post(UPLOADS[i % 2] ?? '', { 'content-length': '900' }))
  await expect.poll(begun).toBe(MAX_UPLOADS)
  const refused = await post(path)
  expect(refused.status).toBe(path.startsWith('codex') ? 500 : 503)
  expect(await refused.text()).toContain(`At most ${MAX_UPLOADS} uploads at once`)
  letGo()
  for (const answer of await Promise.all(open)) expect(answer.status).toBe(200)
  expect((await post(path)).status).toBe(200)
})

test('what is fetched in the background is listed from the answer on, and once', async () => {
  const { post, listed, letGo, begun } = surface()
  expect((await post(FETCHES[0] ?? '')).status).toBe(200)
  expect([begun(), await listed()]).toEqual([1, [String(cid)]])
  letGo()
  await expect.poll(listed).toEqual([])
})

test.each(FETCHES)('so many fetches at once, and another when one has ended: %s', async (path) => {
  const { post, begun, letGo, stalls } = surface()
  const other = `v1/datasets/${cid}/fetch`
  const open = Array.from({ length: MAX_FETCHES }, () => post(other))
  await expect.poll(begun).toBe(MAX_FETCHES)
  expect(stalls).toEqual(Array(MAX_FETCHES).fill(FETCH_STALL_SECONDS))
  // One that is fetched in the background already is not fetched twice.
  const refused = await post(path)
  expect(refused.status).toBe(path === other ? 503 : 200)
  expect(begun()).toBe(MAX_FETCHES)
  letGo()
  for (const answer of await Promise.all(open)) expect(await answer.text()).toContain('"manifest":')
  expect((await post(path)).status).toBe(200)
  await expect.poll(begun).toBe(MAX_FETCHES + 1)
})
