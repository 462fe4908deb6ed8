// Our own rows under /api/v1: what the verbs of the command line ask of a running node, with errors that keep their codes. Scripts use these or the
// verbs; what other programs know is in dataroutes.ts and noderoutes.ts.

import type { Hono } from 'hono'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import { isBlockCid, parseCid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { contentBytes } from '../protocol/manifest.ts'
import { manifestBytes } from '../protocol/manifestcodec.ts'
import { bodyOf, signalOf } from './bodyof.ts'
import { FETCH_STALL_SECONDS, type Intake } from './intake.ts'
import { jsonLines } from './jsonlines.ts'
import { problemOf } from './problemof.ts'
import type { RestContext, RestEnv, RestParts } from './restparts.ts'
import { wholeNumber } from './wholenumber.ts'
import { workLines } from './worklines.ts'

const MAX_STALL_SECONDS = 24 * 3600

export function ownRoutes(app: Hono<RestEnv>, parts: RestParts, intake: Intake): void {
  const { node, network } = parts
  app.get('/health', (c) => c.json({ status: 'ok' }))
  app.get('/datasets', (c) => jsonLines(c, datasetLines(c, parts)))
  app.post('/datasets', async (c) => {
    const { filename, mimetype } = c.req.query()
    const { cid, manifest, blocks } = await intake.upload(c, () =>
      node.datasets.upload(c.env.incoming, { filename, mimetype, signal: signalOf(c) }),
    )
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
    const offset = wholeNumber('offset', c.req.query('offset'))
    const length = wholeNumber('length', c.req.query('length'))
    const manifest = await node.datasets.manifest(cid)
    const pieces = node.datasets.read(cid, { offset, length, signal })
    const size = length ?? contentBytes(manifest) - (offset ?? 0)
    return c.body(await bodyOf(pieces, { signal }), 200, bytesHeaders(size))
  })
  app.get('/blocks/:cid', async (c) => {
    const cid = cidOf(c)
    const isToFetch = c.req.query('stall') !== undefined && network.hasPeers && isBlockCid(cid)
    const bytes = await (isToFetch ? network.block(cid, patience(c)) : node.repo.get(cid))
    if (bytes !== undefined) return c.body(new Uint8Array(bytes), 200, bytesHeaders(bytes.length))
    throw new CodexError('dataset/not-found', `${cid.kind} ${cid} is not in the store`, {
      detail: { cid: String(cid), kind: cid.kind },
    })
  })
  app.post('/datasets/:cid/fetch', (c) => jsonLines(c, fetchLines(c, parts, intake)))
  app.get('/peers', (c) =>
    c.json({ peerId: network.peerId, addresses: network.addresses(), spr: network.spr(), peers: network.peers() }),
  )
  app.post('/peers', async (c) => {
    const peerId = await network.connect(c.req.query('address') ?? '', { signal: signalOf(c) })
    return c.json({ peerId })
  })
}

async function* datasetLines(c: RestContext, { node }: RestParts): AsyncGenerator<object> {
  for await (const entry of node.datasets.list({ signal: signalOf(c) })) {
    const cid = String(entry.cid)
    yield entry.manifest === undefined
      ? { cid, error: problemOf(entry.error).body }
      : { cid, manifest: base64(entry.manifest) }
  }
}

/** Progress as it is made, a line for each step that was seen, then the manifest or what went wrong. */
async function* fetchLines(c: RestContext, { network }: RestParts, intake: Intake): AsyncGenerator<object> {
  const cid = cidOf(c)
  const done = intake.beginFetch(cid)
  const opening = { peers: network.peers().length }
  try {
    yield* workLines(opening, async (tell) => {
      const progress = (state: object): void => tell({ progress: state })
      return { manifest: base64(await network.fetch(cid, { ...patience(c), progress })) }
    })
  } finally {
    done()
  }
}

function patience(c: RestContext): { readonly signal: AbortSignal; readonly stallSeconds: Seconds } {
  const stall = wholeNumber('stall', c.req.query('stall')) ?? FETCH_STALL_SECONDS
  return { signal: signalOf(c), stallSeconds: Math.min(stall, MAX_STALL_SECONDS) }
}

function base64(manifest: Manifest): string {
  return Buffer.from(manifestBytes(manifest)).toString('base64')
}

function bytesHeaders(length: number): Record<string, string> {
  return { 'Content-Type': 'application/octet-stream', 'Content-Length': String(length) }
}

function cidOf(c: RestContext) {
  return parseCid(c.req.param('cid') ?? '')
}
