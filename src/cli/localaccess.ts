// A node that this process has opened, as verbs see it. It joins the network when a verb needs that, and listens for nobody.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { NodejsNode } from '../nodejs.ts'
import { isBlockCid } from '../protocol/cid.ts'
import { slotsDesk } from '../rest/slotsdesk.ts'
import type { NodeAccess } from './nodeaccess.ts'

/** @param bootstrap peers to ask, as the settings name them */
export function localAccess(node: NodejsNode, bootstrap: readonly string[]): NodeAccess {
  const { datasets, repo } = node
  const join = (options: AbortOptions) => node.join({ bootstrap }, options)
  return {
    slots: slotsDesk(node),
    space: () => repo.space(),
    check: async (options) => (await repo.recount(options)).problems,
    list: (options) => datasets.list(options),
    async upload(source, { filename, mimetype, signal, progress }) {
      const stored = await datasets.upload(source, {
        filename,
        mimetype,
        signal,
        progress: ({ storedBytes }) => progress(storedBytes),
      })
      return { ...stored, expiry: await repo.expiryOf(stored.cid) }
    },
    manifest: (cid) => datasets.manifest(cid),
    read: (cid, options) => datasets.read(cid, options),
    async block(cid, { stallSeconds, signal }) {
      const bytes = await repo.get(cid)
      if (bytes !== undefined) return bytes
      if (stallSeconds !== undefined && bootstrap.length > 0 && isBlockCid(cid))
        return (await join({ signal })).block(cid, { stallSeconds, signal })
      throw new CodexError('dataset/not-found', `${cid.kind} ${cid} is not in the store`, {
        detail: { cid: String(cid), kind: cid.kind },
      })
    },
    remove: (cid, options) => datasets.remove(cid, options),
    async fetch(cid, options) {
      if (bootstrap.length === 0) throw noNetwork()
      return (await join(options)).fetch(cid, options)
    },
    async peers(options) {
      const network = await join(options)
      return { peerId: network.peerId, addresses: network.addresses(), spr: network.spr(), peers: network.peers() }
    },
    connect: async (peer, options) => (await join(options)).connect(peer, options),
  }
}

function noNetwork(): CodexError<'node/no-network'> {
  return new CodexError(
    'node/no-network',
    'there is no peer to ask: name one with --bootstrap-node, or run codex-light start',
  )
}
