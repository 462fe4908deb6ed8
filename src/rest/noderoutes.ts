// The rows about the node itself: who it is, whom it knows, how much room it has (marketplace reference §8).

import type { Hono } from 'hono'
import { CodexError } from '../lib/errors.ts'
import { nodeIdOf } from '../protocol/nodeid.ts'
import { signalOf } from './bodyof.ts'
import type { RestContext, RestEnv, RestParts } from './restparts.ts'

export const MAX_ADDRESSES = 16
export const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{20,128}$/

export function nodeRoutes(app: Hono<RestEnv>, parts: RestParts): void {
  const { node, network, levels } = parts
  app.get('/debug/info', (c) => c.json(debugInfo(parts)))
  app.post('/debug/chronicles/loglevel', (c) => {
    const level = c.req.query('level')
    if (level === undefined || level === '') return c.text('Missing log level', 400)
    try {
      levels.set(level)
      return c.body('')
    } catch (error) {
      if (!CodexError.is(error, 'log/bad-level')) throw error
      // The reference answers so.
      return c.text(error.message, 500)
    }
  })
  app.get('/spr', (c) => textOrJson(c, network.spr(), 'spr'))
  app.get('/peerid', (c) => textOrJson(c, network.peerId, 'id'))
  // The SDK asks here.
  app.get('/node/peerid', (c) => textOrJson(c, network.peerId, 'id'))
  app.get('/connect/:peerId', (c) => connect(c, parts))
  app.get('/space', async (c) => c.json(await node.repo.space()))
}

function debugInfo({ network, version, revision, dataDir, marketplace }: RestParts) {
  const { peerId } = network
  const addrs = network.addresses()
  const spr = network.spr()
  const localNode = { nodeId: nodeIdOf(peerId), peerId, record: spr, address: null, seen: false }
  return {
    id: peerId,
    addrs,
    repo: dataDir,
    spr,
    announceAddresses: addrs,
    // Of the network's hash table, which this node is no part of.
    table: { localNode, nodes: [] },
    // Which contracts these are, their address says; none in use, none named.
    codex: { version, revision, contracts: marketplace.parts()?.market.marketplace ?? '' },
  }
}

/** As plain text where that is asked for; the SDK says so by the type of the body it does not send. */
function textOrJson(c: RestContext, value: string, name: string): Response {
  const accepted = (c.req.header('accept') ?? '*/*').toLowerCase()
  const text = accepted.indexOf('text/plain')
  const json = accepted.indexOf('application/json')
  const isOpen = text < 0 && json < 0 && /^text\/plain\b/i.test(c.req.header('content-type') ?? '')
  const wantsText = (text >= 0 && (json < 0 || text < json)) || isOpen
  return wantsText ? c.text(value) : c.json({ [name]: value })
}

async function connect(c: RestContext, { network }: RestParts): Promise<Response> {
  const peerId = c.req.param('peerId') ?? ''
  const given = c.req.queries('addrs') ?? []
  if (!PEER_ID.test(peerId)) return c.text('Incorrect peer id', 400)
  if (given.length > MAX_ADDRESSES) return c.text(`At most ${MAX_ADDRESSES} addresses`, 400)
  const isConnected = network.peers().some((peer) => peer.peerId === peerId)
  if (given.length === 0 && !isConnected) return c.text('Unable to find Peer!', 400)
  const addresses = given.map((address) => address.replace(new RegExp(`/p2p/${peerId}$`), ''))
  try {
    await network.connect({ peerId, addresses }, { signal: signalOf(c) })
    return c.text('Successfully connected to peer')
  } catch (error) {
    if (CodexError.is(error, 'network/cannot-connect')) return c.text('Unable to dial peer', 400)
    throw error
  }
}
