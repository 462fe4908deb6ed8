// The public SDK, unchanged, against a node in a process of its own.

import { existsSync } from 'node:fs'

import { Codex } from '@codex-storage/sdk-js'
import { NodeUploadStrategy } from '@codex-storage/sdk-js/node'
import { expect, test } from 'vitest'

import { describeUpload } from '../../src/entries/protocol.ts'
import { noise, scratchFolder } from '../cli/command.ts'
import { startNode, stopWell } from '../cli/startednode.ts'

interface Answer {
  readonly error: boolean
  readonly data: unknown
}

async function good<A extends Answer>(answer: Promise<A>): Promise<Extract<A, { error: false }>['data']> {
  const { error, data } = await answer
  if (error) throw data
  return data
}

const CONTENT = noise(200_000, 1)

async function failed(answer: Promise<Answer>): Promise<{ code: unknown; message: string }> {
  const { error, data } = await answer
  if (!error) throw new Error(`expected a failure, found ${JSON.stringify(data)}`)
  const { code, message } = data as Error & { code?: unknown }
  return { code, message }
}

test('stores, lists, reads and removes data', async () => {
  const node = await startNode(`${scratchFolder()}/data`)
  const { data } = new Codex(node.api.replace(/\/$/, ''))
  expect(await good(data.cids())).toEqual({ content: [] })
  const before = await good(data.space())
  expect(before).toEqual({
    totalBlocks: 0,
    quotaMaxBytes: 20 * 2 ** 30,
    quotaUsedBytes: 0,
    quotaReservedBytes: 0,
  })

  const names = { filename: 'notes.txt', mimetype: 'text/plain' }
  const cid = await good(data.upload(new NodeUploadStrategy(CONTENT, names)).result)
  const expected = describeUpload(CONTENT, names)
  expect(cid).toBe(String(expected.manifestCid))
  const manifest = {
    treeCid: String(expected.treeCid),
    datasetSize: CONTENT.length,
    blockSize: 65_536,
    protected: false,
    ...names,
  }
  expect(await good(data.cids())).toEqual({ content: [{ cid, manifest }] })
  expect(await good(data.fetchManifest(cid))).toEqual({ cid, manifest })
  expect((await good(data.space())).quotaUsedBytes).toBeGreaterThan(CONTENT.length)

  for (const answer of [data.localDownload(cid), data.networkDownloadStream(cid)]) {
    const response = await good(answer)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(CONTENT)
    expect(response.headers.get('content-type')).toBe('text/plain')
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="notes.txt"')
    expect(response.headers.get('content-length')).toBe(String(CONTENT.length))
  }
  expect(await good(data.networkDownload(cid))).toEqual({ cid, manifest })

  expect(await good(data.delete(cid))).toBe('')
  expect(await good(data.delete(cid))).toBe('')
  expect(await good(data.space())).toEqual(before)
  expect(await failed(data.localDownload(cid))).toMatchObject({ code: 404 })
  await stopWell(node)
})

test('refuses in the words that others compare', async () => {
  const node = await startNode(`${scratchFolder()}/data`, ['-q', '1MiB'])
  const { data } = new Codex(node.api.replace(/\/$/, ''))
  const upload = (names: { filename?: string; mimetype?: string }, bytes = CONTENT) =>
    failed(data.upload(new NodeUploadStrategy(bytes, names)).result)
  expect(await upload({ mimetype: 'invalid/mimetype' })).toEqual({
    code: 422,
    message: expect.stringContaining("The MIME type 'invalid/mimetype' is not valid.") as string,
  })
  for (const filename of [
    'a/b',
    '..',
    'a|b',
    'con:',
    'exam*ple.txt',
    'a^b',
    ' a',
    'a .txt',
    'a.',
    'NUL.txt',
    'x'.repeat(260),
  ])
    expect(await upload({ filename })).toEqual({
      code: 422,
      message: expect.stringContaining('The filename is not valid.') as string,
    })
  // What is looked up in lower case is kept as it was sent.
  const named = { filename: 'a.b.c', mimetype: 'Text/X-C' }
  expect(await good(data.upload(new NodeUploadStrategy(CONTENT, named)).result)).toBe(
    String(describeUpload(CONTENT, named).manifestCid),
  )
  const unnamed = await good(data.upload(new NodeUploadStrategy(CONTENT)).result)
  expect((await good(data.localDownload(unnamed))).headers.get('content-disposition')).toBe('attachment')
  expect(await upload({}, noise(2 ** 21, 1))).toMatchObject({ code: 500 })
  expect(await failed(data.localDownload('zDvWrong'))).toEqual({ code: 400, message: 'Incorrect Cid' })
  expect(await failed(data.delete('nonsense'))).toEqual({ code: 400, message: 'Incorrect Cid' })
  const { marketplace } = new Codex(node.api.replace(/\/$/, ''))
  expect(await failed(marketplace.activeSlots())).toEqual({ code: 503, message: 'Persistence is not enabled' })
  expect(await failed(marketplace.purchaseIds())).toEqual({ code: 503, message: 'Persistence is not enabled' })
  await stopWell(node)
})

test('says who the node is, connects it, and fetches over the connection', async () => {
  const folder = scratchFolder()
  const [one, other] = await Promise.all([startNode(`${folder}/one`), startNode(`${folder}/other`)])
  const sdk = new Codex(one.api.replace(/\/$/, ''))
  expect(await good(sdk.node.peerId())).toEqual({ id: one.peerId })
  expect(await good(sdk.node.peerId('text'))).toBe(one.peerId)
  const { spr } = (await good(sdk.node.spr())) as { spr: string }
  expect(spr).toMatch(/^spr:[\w-]+$/)
  expect(await good(sdk.node.spr('text'))).toMatch(/^spr:/)
  const info = await good(sdk.debug.info())
  expect(info).toMatchObject({ id: one.peerId, repo: `${folder}/one`, codex: { version: '0.1.0' } })
  // A release that is built from no repository has none.
  if (existsSync('.git')) expect(info.codex.revision).toMatch(/^[0-9a-f]{8,}$/)
  expect(info.addrs.length).toBeGreaterThan(0)
  expect(info.table.localNode).toMatchObject({ peerId: one.peerId, seen: false })
  expect(info.table.nodes).toEqual([])
  expect(info.table.localNode.nodeId).toMatch(/^[0-9]{60,78}$/)
  expect(await good(sdk.debug.setLogLevel('DEBUG'))).toBe('')

  const theirs = new Codex(other.api.replace(/\/$/, ''))
  const cid = await good(theirs.data.upload(new NodeUploadStrategy(CONTENT)).result)
  expect(await failed(sdk.data.fetchManifest(cid))).toMatchObject({ code: 404 })
  expect(await failed(sdk.node.connect(other.peerId))).toEqual({ code: 400, message: 'Unable to find Peer!' })
  const addresses = other.addresses.map((address) => address.replace(/\/p2p\/.*/, ''))
  expect(await good(sdk.node.connect(other.peerId, addresses))).toBe('Successfully connected to peer')
  expect(await failed(sdk.node.connect(one.peerId, ['/ip4/127.0.0.1/tcp/1']))).toEqual({
    code: 400,
    message: 'Unable to dial peer',
  })
  const response = await good(sdk.data.networkDownloadStream(cid))
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(CONTENT)
  expect((await good(sdk.data.cids())).content).toMatchObject([{ cid }])
  const fetched = await good(theirs.data.upload(new NodeUploadStrategy(noise(150_000, 2))).result)
  expect(await good(sdk.data.networkDownload(fetched))).toMatchObject({ cid: fetched })
  expect((await good(sdk.data.cids())).content.map((entry) => entry.cid)).toContain(fetched)
  const again = await good(sdk.data.localDownload(cid))
  expect(new Uint8Array(await again.arrayBuffer())).toEqual(CONTENT)
  await Promise.all([stopWell(one), stopWell(other)])
})
