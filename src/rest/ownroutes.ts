// Our own rows under /api/v1: what the verbs of the command line ask of a running node, with errors that keep their codes. Scripts use these or the
// verbs; what other programs know is in dataroutes.ts and noderoutes.ts.

import type { Hono } from 'hono'
import { CodexError } from '../lib/errors.ts'
import { plainFields } from '../lib/plainvalue.ts'
import { parseCid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { contentBytes } from '../protocol/manifest.ts'
import { encodeManifest } from '../protocol/manifestcodec.ts'
import { bodyOf, signalOf } from './bodyof.ts'
import type { RestContext, RestEnv, RestParts } from './restparts.ts'

const JSON_LINES = 'application/x-ndjson'
const MAX_STALL_SECONDS = 24 * 3600

export function ownRoutes(app: Hono<RestEnv>, parts: RestParts): void {
  const { node, network } = parts
  app.get('/health', (c) => c.json({ status: 'ok' }))
  app.get('/space', async (c) => c.json(await node.repo.space()))
  app.get('/datasets', (c) => lines(c, datasetLines(c, parts)))
  app.post('/datasets', async (c) => {
    const { filename, mimetype } = c.req.query()
    const { cid, manifest, blocks } = await node.datasets.upload(c.env.incoming, {
      filename,
      mimetype,
      signal: signalOf(c),
    })
    const expiry = await node.repo.expiryOf(cid)
    return c.json({ cid: String(cid), manifest: base64(manifest), blocks, expiry: expiry ?? null })
  })
  app.delete('/datasets/:cid', async (c) => {
    const outcome = await node.datasets.remove(cidOf(c), { signal: parts.background.signal })
    return c.json({ outcome })
  })
  app.get('/datasets/:cid/manifest', async (c) => c.json({ manifest: base64(await node.datasets.manifest(cidOf(c))) }))
  app.get('/datasets/:cid/content', async (c) => {
    const cid = cidOf(c)
    const signal = signalOf(c)
    const offset = wholeNumber(c, 'offset')
    const length = wholeNumber(c, 'length')
    const manifest = await node.datasets.manifest(cid)
    const pieces = node.datasets.read(cid, { offset, length, signal })
    const size = length ?? contentBytes(manifest) - (offset ?? 0)
    return c.body(await bodyOf(pieces, { signal }), 200, bytesHeaders(size))
  })
  app.get('/blocks/:cid', async (c) => {
    const cid = cidOf(c)
    const bytes = await node.repo.get(cid)
    if (bytes !== undefined) return c.body(new Uint8Array(bytes), 200, bytesHeaders(bytes.length))
    throw new CodexError('dataset/not-found', `${cid.kind} ${cid} is not in the store`, {
      detail: { cid: String(cid), kind: cid.kind },
    })
  })
  app.post('/datasets/:cid/fetch', (c) => lines(c, fetchLines(c, parts)))
  app.get('/peers', (c) =>
    c.json({ peerId: network.peerId, addresses: network.addresses(), spr: network.spr(), peers: network.peers() }),
  )
  app.post('/peers', async (c) => {
    const peerId = await network.connect(c.req.query('address') ?? '', { signal: signalOf(c) })
    return c.json({ peerId })
  })
}

/** An error of ours as a document that keeps its code (RFC 9457). */
export function problemOf(error: unknown): {
  readonly status: 400 | 404 | 409 | 413 | 422 | 500 | 503
  readonly body: object
} {
  if (!CodexError.is(error)) return { status: 500, body: { title: 'unexpected error', code: 'rest/unexpected' } }
  return {
    status: STATUS_BY_CODE.find(([code]) => error.code.startsWith(code))?.[1] ?? 409,
    body: { title: error.message, code: error.code, detail: plainFields(error.detail) },
  }
}

const STATUS_BY_CODE = [
  ['dataset/not-found', 404],
  ['dataset/bad-range', 400],
  ['dataset/not-a-manifest', 400],
  ['store/quota-exceeded', 413],
  ['cid/', 400],
  ['peer/', 400],
  ['multiaddr/', 400],
  ['spr/', 400],
  ['manifest/bad-text', 400],
  ['rest/bad-terms', 422],
  ['rest/bad-', 400],
  ['rest/body-too-large', 413],
  ['rest/too-many-', 503],
  ['rest/no-market', 503],
  ['reservations/not-exists', 404],
  ['reservations/not-empty', 409],
  ['reservations/', 422],
  ['purchase/not-found', 404],
  ['purchase/stopped', 503],
  ['purchase/', 422],
  ['erasure/', 422],
  ['market/', 503],
  ['datastore/', 500],
  ['slab/', 500],
  ['store/', 500],
] as const

async function* datasetLines(c: RestContext, { node }: RestParts): AsyncGenerator<object> {
  for await (const entry of node.datasets.list({ signal: signalOf(c) })) {
    const cid = String(entry.cid)
    yield entry.manifest === undefined
      ? { cid, error: problemOf(entry.error).body }
      : { cid, manifest: base64(entry.manifest) }
  }
}

/** Progress as it is made, a line for each step that was seen, then the manifest or what went wrong. */
async function* fetchLines(c: RestContext, { network }: RestParts): AsyncGenerator<object> {
  const cid = cidOf(c)
  const stallSeconds = Math.min(wholeNumber(c, 'stall') ?? MAX_STALL_SECONDS, MAX_STALL_SECONDS)
  let latest: object | undefined
  let wake: () => void = () => undefined
  let end: object | undefined
  const fetching = network
    .fetch(cid, {
      signal: signalOf(c),
      stallSeconds,
      progress(progress) {
        latest = { progress }
        wake()
      },
    })
    .then(
      (manifest) => {
        end = { manifest: base64(manifest) }
      },
      (error: unknown) => {
        end = { error: problemOf(error).body }
      },
    )
    .finally(() => wake())
  // So that whoever asked learns at once that it is being worked on.
  yield { peers: network.peers().length }
  while (end === undefined) {
    if (latest === undefined)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    else {
      const line = latest
      latest = undefined
      yield line
    }
  }
  await fetching
  if (latest !== undefined) yield latest
  yield end
}

async function lines(c: RestContext, documents: AsyncGenerator<object>): Promise<Response> {
  const encoder = new TextEncoder()
  const texts = (async function* () {
    for await (const each of documents) yield encoder.encode(`${JSON.stringify(each)}\n`)
  })()
  return c.body(await bodyOf(texts, { signal: signalOf(c) }), 200, { 'Content-Type': JSON_LINES })
}

function base64(manifest: Manifest): string {
  return Buffer.from(encodeManifest(manifest)).toString('base64')
}

function bytesHeaders(length: number): Record<string, string> {
  return { 'Content-Type': 'application/octet-stream', 'Content-Length': String(length) }
}

function cidOf(c: RestContext) {
  return parseCid(c.req.param('cid') ?? '')
}

function wholeNumber(c: RestContext, name: string): number | undefined {
  const text = c.req.query(name)
  if (text === undefined) return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(value)) return value
  throw new CodexError('rest/bad-number', `${name}: expected a whole number`, { detail: { name } })
}
