// connect PEER: has the running node connect to a peer, or tries it where none runs.

import { defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

export const connect = defineVerb({
  operands: { text: 'PEER', min: 1, max: 1 },
  about: `Connects to PEER, a multiaddr such as /ip4/1.2.3.4/tcp/8070/p2p/16Uiu2… or a record spr:…, and prints its peer id. The running node of the data
folder stays connected; without one the connection is only tried.`,
  options: {},
  examples: ['codex-light connect /ip4/1.2.3.4/tcp/8070/p2p/16Uiu2HAm5zpp3mL74AkrXK2RwpXUtbgZh17PGZzanbdZkB6ytkx8'],
  document: '{ peerId }',
  async run(_, call) {
    const [peer = ''] = call.operands
    const peerId = await withAccess(call, 'look', (node) =>
      call.terminal.progress({ label: 'connecting' }, () => node.connect(peer, call)),
    )
    await call.terminal.answer({ peerId }, peerId)
    return undefined
  },
})
