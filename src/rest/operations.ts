// Every row of the REST surface: what it takes and what it answers. The routes answer them, openapi.ts writes them down, and a test holds the two together.

import {
  agentDocument,
  availabilityDocument,
  changedAvailability,
  newAvailability,
  newPurchase,
  purchaseDocument,
  reservationDocument,
  slotDocument,
} from './marketdocuments.ts'
import {
  alertsDocument,
  balanceDocument,
  decisionDocument,
  earningsDocument,
  marketStatusDocument,
  purchaseSlotsDocument,
  saleDocument,
} from './ownmarketdocuments.ts'
import { MAX_ADDRESSES, PEER_ID } from './noderoutes.ts'
import { PATH_ID_SCHEMA, REQUEST_ID_SCHEMA } from './pathid.ts'
import { DEFAULT_DECISIONS, MAX_DECISIONS, MAX_ROWS, rowCount } from './rowcount.ts'
import { count, flag, list, nullable, object, type Shape, text } from './shape.ts'
import { WHOLE_NUMBER } from './wholenumber.ts'

export type Method = 'get' | 'post' | 'patch' | 'delete'

export interface Operation {
  readonly method: Method
  /** As hono writes it, with `:name` for what varies. The same place has the same name in all methods, as OpenAPI wants it. */
  readonly path: string
  readonly summary: string
  readonly query?: Readonly<Record<string, Parameter>>
  /** What varies in the path, where it is not what {@link PLACES} has under its name. */
  readonly places?: Readonly<Record<string, Schema>>
  readonly body?: Shape<unknown> | 'bytes'
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>
}

/** As JSON Schema, of the text that stands in an address. */
type Schema = Readonly<Record<string, unknown>>

export interface Parameter {
  readonly about: string
  readonly schema: Schema
  readonly isRequired?: boolean
}

/** A document, the media type of a body that is none, or the one or the other, as the question accepts. */
export type Answer = Shape<unknown> | string | readonly [Shape<unknown>, string]

const CODEX = '/api/codex/v1'
const OWN = '/api/v1'
const TEXT = 'text/plain'
const BYTES = 'application/octet-stream'
const LINES = 'application/x-ndjson'
const EMPTY = ''
const MAX_LIST = 100_000
const WORDS = { type: 'string' }
const SOME_WORDS = { type: 'string', minLength: 1 }
const CID = { type: 'string', description: 'a CID' }

/** What varies in paths, by the name that it has there. */
export const PLACES: Readonly<Record<string, Schema>> = {
  cid: CID,
  id: PATH_ID_SCHEMA,
  index: WHOLE_NUMBER,
  peerId: { type: 'string', pattern: PEER_ID.source },
}

const manifest = object({
  treeCid: text,
  datasetSize: count,
  blockSize: count,
  protected: flag,
  filename: nullable(text),
  mimetype: nullable(text),
})
const entry = object({ cid: text, manifest })
const space = object({ totalBlocks: count, quotaMaxBytes: count, quotaUsedBytes: count, quotaReservedBytes: count })
const node = object({ nodeId: text, peerId: text, record: text, address: nullable(text), seen: flag })
const debugInfo = object({
  id: text,
  addrs: list(text, MAX_LIST),
  repo: text,
  spr: text,
  announceAddresses: list(text, MAX_LIST),
  table: object({ localNode: node, nodes: list(node, MAX_LIST) }),
  codex: object({ version: text, revision: text, contracts: text }),
})
const peers = object({ peerId: text, addresses: list(text, MAX_LIST), spr: text, peers: list(object({}), MAX_LIST) })
const readiness = object({ ready: flag, reasons: list(text, MAX_LIST) })
const status = object({
  version: text,
  uptimeSeconds: count,
  peerId: text,
  addresses: list(text, MAX_LIST),
  peers: count,
  space,
  ready: flag,
  reasons: list(text, MAX_LIST),
  marketplace: nullable(marketStatusDocument),
})
const shownSlot = object({
  index: count,
  kind: text,
  blocks: count,
  presentBlocks: count,
  hasTree: flag,
  root: text,
})
const shownSlots = object({
  cid: text,
  nodes: count,
  tolerance: count,
  slotSize: count,
  datasetRoot: text,
  merkleRoot: text,
  slots: list(shownSlot, MAX_LIST),
})
const COUNTED = { query: { count: may('only so many of the latest', rowCount(MAX_ROWS)) } }
const ONE_SLOT = { query: { index: may('of the one slot; all without it', WHOLE_NUMBER) } }
const pausing = object({ holds: list(text, MAX_LIST), running: count })

const codexRows: readonly Operation[] = [
  row('get', '/debug/info', 'Who this node is', { 200: debugInfo }),
  row(
    'post',
    '/debug/chronicles/loglevel',
    'Changes what is logged',
    { 200: EMPTY, 400: TEXT, 500: TEXT },
    {
      query: { level: must('DEBUG, or INFO;TRACE:topic', SOME_WORDS) },
    },
  ),
  row('get', '/spr', 'Its signed peer record', { 200: [object({ spr: text }), TEXT] }),
  row('get', '/peerid', 'Its peer id', { 200: [object({ id: text }), TEXT] }),
  row('get', '/node/peerid', 'Its peer id, where the SDK asks', { 200: [object({ id: text }), TEXT] }),
  row(
    'get',
    '/connect/:peerId',
    'Connects to a peer',
    { 200: TEXT, 400: TEXT },
    {
      query: {
        addrs: may('multiaddr; may be given several times', { type: 'array', items: WORDS, maxItems: MAX_ADDRESSES }),
      },
    },
  ),
  row('get', '/space', 'How the quota is used', { 200: space }),
  row('get', '/data', 'Datasets in the store', { 200: object({ content: list(entry, MAX_LIST) }) }),
  row(
    'post',
    '/data',
    'Stores a file; answers its CID',
    { 200: TEXT, 422: TEXT, 500: TEXT },
    {
      body: 'bytes',
    },
  ),
  row('get', '/data/:cid', 'Content from the store', { 200: BYTES, 400: TEXT, 404: TEXT }),
  row('delete', '/data/:cid', 'Removes a dataset', { 204: EMPTY, 400: TEXT, 500: TEXT }),
  row('get', '/data/:cid/exists', 'Whether a block is in the store: { cid: boolean }', { 200: object({}), 400: TEXT }),
  row('get', '/data/:cid/network/manifest', 'A manifest, from the network if need be', {
    200: entry,
    400: TEXT,
    404: TEXT,
  }),
  row('get', '/data/:cid/network/stream', 'Content, from the network if need be', { 200: BYTES, 400: TEXT, 404: TEXT }),
  row('post', '/data/:cid/network', 'Fetches a dataset in the background; 503 where too many are', {
    200: entry,
    400: TEXT,
    404: TEXT,
    503: TEXT,
  }),
  row('get', '/sales/slots', 'Slots of ours on chain', { 200: list(slotDocument, MAX_LIST), 503: TEXT }),
  row('get', '/sales/slots/:id', 'One slot being sold or held', {
    200: agentDocument,
    400: TEXT,
    404: TEXT,
    503: TEXT,
  }),
  row('get', '/sales/availability', 'What is for sale', { 200: list(availabilityDocument, MAX_LIST), 503: TEXT }),
  row(
    'post',
    '/sales/availability',
    'Offers space',
    { 201: availabilityDocument, 400: TEXT, 422: TEXT, 503: TEXT },
    { body: newAvailability },
  ),
  row(
    'patch',
    '/sales/availability/:id',
    'Changes terms. A new totalCollateral has what slots have taken subtracted from it: what remains is not all of it again, and 0 leaves what they have taken, so that nothing more is put at stake',
    { 204: EMPTY, 400: TEXT, 404: TEXT, 422: TEXT, 503: TEXT },
    { body: changedAvailability },
  ),
  row('get', '/sales/availability/:id/reservations', 'What slots have taken of it', {
    200: list(reservationDocument, MAX_LIST),
    400: TEXT,
    404: TEXT,
    503: TEXT,
  }),
  row(
    'post',
    '/storage/request/:cid',
    'Buys storage for a dataset; answers the id of the purchase once it is on record, which takes minutes for a large dataset. What was begun goes on when the client leaves; who then asks for the same within an hour gets that purchase. 500 where the dataset is not to be had',
    { 200: TEXT, 400: TEXT, 422: TEXT, 500: TEXT, 503: TEXT },
    { body: newPurchase },
  ),
  row('get', '/storage/purchases', 'Ids of purchases', { 200: list(text, MAX_LIST), 503: TEXT }),
  row('get', '/storage/purchases/:id', 'One purchase', { 200: purchaseDocument, 400: TEXT, 404: TEXT, 503: TEXT }),
].map((each) => ({ ...each, path: CODEX + each.path }))

const ownRows: readonly Operation[] = [
  row('get', '/health', 'Says that the process runs; needs no token on loopback', { 200: object({ status: text }) }),
  row('get', '/readiness', 'Whether it does all it was started for; needs no token on loopback', {
    200: readiness,
    503: readiness,
  }),
  row('get', '/status', 'How it is', { 200: status }),
  row('get', '/alerts', 'What a person has to look after', { 200: alertsDocument }),
  row('get', '/balance', 'What its key has, in base units', { 200: balanceDocument }),
  row('get', '/events', 'Server-sent events: status, log, sale, proof, earning, purchase, marked, alert, alertOver', {
    200: 'text/event-stream',
  }),
  row('get', '/metrics', 'Numbers for Prometheus', { 200: TEXT }),
  row('get', '/openapi.json', 'This document', { 200: object({}) }),
  row('get', '/space', 'How the quota is used', { 200: space }),
  row(
    'post',
    '/space/check',
    'Counts everything again, and compares; changes wait meanwhile. Its last line has the problems',
    {
      200: LINES,
    },
  ),
  row('get', '/datasets', 'Datasets, one document a line', { 200: LINES }),
  row(
    'post',
    '/datasets',
    'Stores a file',
    { 200: object({ cid: text, manifest: text, blocks: count }) },
    {
      body: 'bytes',
      query: { filename: may('name of the file', WORDS), mimetype: may('its type', WORDS) },
    },
  ),
  row('delete', '/datasets/:cid', 'Removes a dataset', { 200: object({ outcome: text }) }),
  row('get', '/datasets/:cid/manifest', 'Its manifest in base64', { 200: object({ manifest: text }) }),
  row(
    'get',
    '/datasets/:cid/content',
    'Its content, or a range of it',
    { 200: BYTES },
    {
      query: { offset: may('bytes', WHOLE_NUMBER), length: may('bytes', WHOLE_NUMBER) },
    },
  ),
  row('post', '/datasets/:cid/fetch', 'Fetches it from peers; progress one document a line', { 200: LINES }),
  row(
    'post',
    '/datasets/:cid/protect',
    'Adds parity and cuts it into slots; progress one document a line',
    { 200: LINES },
    {
      query: {
        nodes: must('slots in all', WHOLE_NUMBER),
        tolerance: must('slots that may be lost, at most half', WHOLE_NUMBER),
      },
    },
  ),
  row('get', '/slots', 'Datasets that are cut into slots, one document a line', { 200: LINES }),
  row('get', '/datasets/:cid/slots', 'Its slots, and how much of each is here', { 200: shownSlots }),
  row('post', '/datasets/:cid/slots/build', 'Makes slot trees that are missing', { 200: LINES }, ONE_SLOT),
  row('post', '/datasets/:cid/slots/verify', 'Hashes slots again and compares', { 200: LINES }, ONE_SLOT),
  row('post', '/datasets/:cid/slots/repair', 'Rebuilds what is missing from the others', { 200: LINES }, ONE_SLOT),
  row(
    'get',
    '/datasets/:cid/slots/:index/proof-input',
    'What the proving circuit takes',
    { 200: object({ entropy: text, dataSetRoot: text, slotIndex: count, slotRoot: text }) },
    { query: { challenge: must('0x and 64 hex digits', { type: 'string', pattern: '^0x[0-9a-fA-F]{64}$' }) } },
  ),
  row(
    'get',
    '/blocks/:cid',
    'One block',
    { 200: BYTES },
    {
      query: {
        stall: may(
          'seconds to wait for peers when it is not in the store; without it they are not asked',
          WHOLE_NUMBER,
        ),
      },
    },
  ),
  row('get', '/peers', 'Who is connected', { 200: peers }),
  row(
    'post',
    '/peers',
    'Connects to a peer',
    { 200: object({ peerId: text }) },
    { query: { address: must('multiaddr', SOME_WORDS) } },
  ),
  row('get', '/availability', 'What is for sale', { 200: list(availabilityDocument, MAX_LIST) }),
  row('post', '/availability', 'Offers space', { 201: availabilityDocument }, { body: newAvailability }),
  row(
    'patch',
    '/availability/:id',
    'Changes terms, as its twin under /api/codex/v1',
    { 200: availabilityDocument },
    { body: changedAvailability },
  ),
  row('delete', '/availability/:id', 'Withdraws one that no slot has taken from', { 204: EMPTY }),
  row('get', '/availability/:id/reservations', 'What slots have taken of it', {
    200: list(reservationDocument, MAX_LIST),
  }),
  row('get', '/sales', 'Slots being sold or held', { 200: list(saleDocument, MAX_LIST) }),
  row(
    'get',
    '/sales/ended',
    'Those that are over since the start, the latest first',
    { 200: list(saleDocument, MAX_LIST) },
    COUNTED,
  ),
  row(
    'get',
    '/decisions',
    'Why slots were taken or ignored, the latest first',
    {
      200: list(decisionDocument, MAX_LIST),
    },
    {
      query: {
        count: may('only so many of the latest', rowCount(MAX_DECISIONS, DEFAULT_DECISIONS)),
        request: may('id of one request', REQUEST_ID_SCHEMA),
      },
    },
  ),
  row('get', '/earnings', 'What was paid out, and what is committed', { 200: earningsDocument }, COUNTED),
  row('post', '/pause', 'Takes no new slots; what runs goes on', { 200: pausing }),
  row('post', '/resume', 'Takes new slots again', { 200: pausing }),
  row('post', '/drain', 'As pause; the log tells when no sale is left', { 200: pausing }),
  row('get', '/purchases', 'Requests of this node', { 200: list(purchaseDocument, MAX_LIST) }, COUNTED),
  row('get', '/purchases/:id', 'One of them', { 200: purchaseDocument }),
  row(
    'post',
    '/purchases/:id/withdraw',
    'Takes back what is left of a request of this key that is over, on record or not',
    {
      200: purchaseDocument,
    },
  ),
  row('get', '/purchases/:id/slots', 'How many of its slots have a provider, and when it ends', {
    200: purchaseSlotsDocument,
  }),
  row(
    'post',
    '/purchases/:id',
    'Buys storage for the dataset whose CID stands in place of the id',
    { 201: purchaseDocument },
    { body: newPurchase, places: { id: CID } },
  ),
].map((each) => ({ ...each, path: OWN + each.path }))

export const OPERATIONS: readonly Operation[] = [...codexRows, ...ownRows]

const ROWS = OPERATIONS.map(({ method, path }) => ({
  method: method.toUpperCase(),
  // Empty where the CID is left out.
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]*')}$`),
}))

/** Upper case, of the rows at a path without query; empty where there are none. */
export function methodsAt(path: string): string[] {
  return [...new Set(ROWS.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))]
}

function row(
  method: Method,
  path: string,
  summary: string,
  answers: Operation['answers'],
  more: Pick<Operation, 'query' | 'body' | 'places'> = {},
): Operation {
  return { method, path, summary, answers, ...more }
}

function may(about: string, schema: Schema): Parameter {
  return { about, schema }
}

function must(about: string, schema: Schema): Parameter {
  return { about, schema, isRequired: true }
}
