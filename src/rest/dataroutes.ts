// The rows of /data: store, list, read, remove, fetch from the network (marketplace reference §8, paths, status codes and compared texts).

import type { Hono } from 'hono'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { isBlockCid, isManifestCid, parseCid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { blocksCount, contentBytes } from '../protocol/manifest.ts'
import { bodyOf, signalOf } from './bodyof.ts'
import { contentHeaders, filenameIn, isFilename, isKnownType, typeIn } from './contentheaders.ts'
import { FETCH_STALL_SECONDS, type Intake } from './intake.ts'
import { manifestDocument } from './manifestdocument.ts'
import type { RestContext, RestEnv, RestParts } from './restparts.ts'

/** Of these at most a dataset is worth waiting for. */
const QUICK_BLOCKS = 16

export function dataRoutes(app: Hono<RestEnv>, parts: RestParts, intake: Intake): void {
  const { node } = parts
  app.get('/data', async (c) => c.json({ content: await listed(c, parts, intake) }))
  app.post('/data', (c) => upload(c, parts, intake))
  app.on('GET', withOrWithout('/data/'), (c) => withCid(c, (cid) => readLocal(c, parts, cid)))
  app.on('DELETE', withOrWithout('/data/'), (c) =>
    withCid(c, async (cid) => {
      const outcome = await node.datasets.remove(cid, { signal: parts.background.signal })
      return outcome === 'in use' ? c.text(`A dataset needs block ${cid}: remove the dataset`, 500) : c.body(null, 204)
    }),
  )
  app.get('/data/:cid/exists', (c) => withCid(c, async (cid) => c.json({ [String(cid)]: await node.repo.has(cid) })))
  app.get('/data/:cid/network/manifest', (c) =>
    withCid(c, async (cid) => c.json(entryOf(cid, await networkManifest(c, parts, cid)))),
  )
  app.get('/data/:cid/network/stream', (c) => withCid(c, (cid) => readFromNetwork(c, parts, cid)))
  app.post('/data/:cid/network', (c) =>
    withCid(c, async (cid) => {
      const manifest = await networkManifest(c, parts, cid)
      const fetched = fetchInBackground(parts, { cid, manifest }, intake)
      // What is soon here is here when the answer comes.
      if (blocksCount(manifest) <= QUICK_BLOCKS) await forASecond(c, parts, fetched)
      return c.json(entryOf(cid, manifest))
    }),
  )
}

/** Paths of a row whose CID stands last: one that is empty is an incorrect one, not another path. */
export function withOrWithout(prefix: string): string[] {
  return [`${prefix}:cid`, prefix]
}

/** What a CID is to the reference's users: its text, or 400. */
async function withCid(c: RestContext, answer: (cid: Cid) => Promise<Response>): Promise<Response> {
  let cid: Cid
  try {
    cid = parseCid(c.req.param('cid') ?? '')
  } catch (error) {
    if (!CodexError.is(error)) throw error
    return c.text('Incorrect Cid', 400)
  }
  return answer(cid)
}

function entryOf(cid: Cid | string, manifest: Manifest) {
  return { cid: String(cid), manifest: manifestDocument(manifest) }
}

/** What is here; and what is fetched in the background, which its asker was told of as if it were. */
async function listed(c: RestContext, { node, log }: RestParts, intake: Intake) {
  const coming = new Map(intake.announced())
  const content: ReturnType<typeof entryOf>[] = []
  for await (const { cid, manifest, ...rest } of node.datasets.list({ signal: signalOf(c) }))
    if (manifest !== undefined) {
      content.push(entryOf(cid, manifest))
      coming.delete(String(cid))
    } else log.warn('a damaged dataset was left out of a list', { cid: String(cid), ...rest })
  for (const [cid, manifest] of coming) content.push(entryOf(cid, manifest))
  return content
}

async function upload(c: RestContext, { node }: RestParts, intake: Intake): Promise<Response> {
  const mimetype = typeIn(c.req.header('content-type'))
  if (mimetype !== undefined && !isKnownType(mimetype)) return c.text(`The MIME type '${mimetype}' is not valid.`, 422)
  const filename = filenameIn(c.req.header('content-disposition'))
  if (filename !== undefined && !isFilename(filename)) return c.text('The filename is not valid.', 422)
  try {
    const { cid } = await intake.upload(c, () =>
      node.datasets.upload(c.env.incoming, { filename, mimetype, signal: signalOf(c) }),
    )
    return c.text(String(cid))
  } catch (error) {
    if (CodexError.is(error, 'manifest/bad-text')) return c.text(error.message, 422)
    // This row has 422 for names and types only, and no other status for the rest.
    if (CodexError.is(error, 'rest/too-many-uploads')) return c.text(`${error.message}; try again`, 500)
    if (CodexError.is(error, 'store/quota-exceeded') || CodexError.is(error, 'upload/empty'))
      return c.text(error.message, 500)
    throw error
  }
}

async function readLocal(c: RestContext, { node }: RestParts, cid: Cid): Promise<Response> {
  if (!isManifestCid(cid)) {
    const bytes = await node.repo.get(cid)
    return bytes === undefined ? c.text(`Block ${cid} is not in the store`, 404) : blockAnswer(c, bytes)
  }
  const manifest = await node.datasets.manifest(cid)
  const signal = signalOf(c)
  const body = await bodyOf(node.datasets.read(cid, { signal }), { signal })
  return c.body(body, 200, sized(manifest))
}

async function readFromNetwork(c: RestContext, parts: RestParts, cid: Cid): Promise<Response> {
  // A single block has no manifest that tells its size beforehand, so it is not streamed.
  if (isBlockCid(cid)) return blockAnswer(c, await parts.network.block(cid, patience(c, parts)))
  if (!isManifestCid(cid)) return readLocal(c, parts, cid)
  const manifest = await networkManifest(c, parts, cid)
  const signal = signalOf(c)
  const pieces = parts.network.stream(cid, manifest, { signal, stallSeconds: FETCH_STALL_SECONDS })
  try {
    return c.body(await bodyOf(pieces, { signal }), 200, sized(manifest))
  } catch (error) {
    if (CodexError.is(error, 'store/quota-exceeded')) return c.text(error.message, 500)
    throw error
  }
}

function blockAnswer(c: RestContext, bytes: Uint8Array): Response {
  return c.body(new Uint8Array(bytes), 200, contentHeaders(undefined))
}

function sized(manifest: Manifest): Record<string, string> {
  return { ...contentHeaders(manifest), 'Content-Length': String(contentBytes(manifest)) }
}

function networkManifest(c: RestContext, parts: RestParts, cid: Cid): Promise<Manifest> {
  if (!isManifestCid(cid)) throw new CodexError('dataset/not-a-manifest', `${cid} names no dataset`)
  return parts.network.manifest(cid, patience(c, parts))
}

/** How long peers are waited for; hardly at all where there are none. */
function patience(c: RestContext, { network }: RestParts): { signal: AbortSignal; stallSeconds: Seconds } {
  return { signal: signalOf(c), stallSeconds: network.hasPeers ? FETCH_STALL_SECONDS : 1 }
}

/** @returns settles when the fetch has ended, however that was; at once where another one goes on */
function fetchInBackground(
  { network, background, log }: RestParts,
  { cid, manifest }: { readonly cid: Cid; readonly manifest: Manifest },
  intake: Intake,
): Promise<void> {
  if (intake.announce(cid, manifest)) return Promise.resolve()
  const done = intake.beginFetch(cid)
  intake.announce(cid, manifest)
  const name = String(cid)
  let tell: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (tell = resolve))
  background.spawn(`fetch ${name}`, async (signal) => {
    try {
      await network.fetch(cid, { signal })
    } catch (error) {
      if (!CodexError.is(error)) throw error
      log.warn('a dataset could not be fetched', { cid: name, error })
    } finally {
      done()
      tell()
    }
  })
  return ended
}

/** Settles with `work`, and after a second at the latest. */
async function forASecond(c: RestContext, { clock }: RestParts, work: Promise<void>): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([signalOf(c), over.signal])
  try {
    await Promise.race([work, clock.until(clock.now() + 1, { signal })])
  } finally {
    over.abort()
  }
}
