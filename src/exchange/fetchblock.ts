// Fetching one block by its CID, as manifests are. It is handed over, checked; storing it is the caller's decision.

import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import { comparedBlock } from '../storage/verifiedblock.ts'
import type { BlockExchange } from './blockexchange.ts'
import { DEFAULT_STALL_SECONDS } from './fetchleaves.ts'
import { MAX_DATA_BYTES } from './message.ts'
import type { Consumer } from './want.ts'

export interface FetchBlockOptions extends AbortOptions {
  readonly stallSeconds?: Seconds | undefined
}

/** @throws CodexError `exchange/stalled`, `exchange/stopped`, `exchange/misfit` for more than a block may have, the signal's reason */
export async function fetchBlock(
  exchange: BlockExchange,
  cid: Cid,
  { signal, stallSeconds = DEFAULT_STALL_SECONDS }: FetchBlockOptions,
): Promise<VerifiedBlock> {
  const either = AbortSignal.any([signal, exchange.signal])
  either.throwIfAborted()
  let forget: (() => void) | undefined
  let idleSeconds: Seconds | undefined
  const arrived = new Promise<VerifiedBlock>((resolve, reject) => {
    const consumer: Consumer = {
      arrive({ block, release }) {
        const own = comparedBlock({ cid: block.cid, bytes: block.bytes.slice() })
        release()
        resolve(own)
      },
      misfit: (_, error) => reject(error),
      tick(_, seconds) {
        idleSeconds = idleSeconds === undefined ? 0 : idleSeconds + seconds
        if (idleSeconds >= stallSeconds) reject(stalled(cid, stallSeconds, exchange.peers().length))
      },
    }
    forget = exchange.want({ cid }, { maxBytes: MAX_DATA_BYTES, likelyBytes: BLOCK_SIZE }, consumer)
  })
  try {
    return await raceAbort(arrived, either)
  } finally {
    forget?.()
  }
}

function stalled(cid: Cid, seconds: Seconds, peers: number): CodexError {
  return new CodexError(
    'exchange/stalled',
    `block ${cid} did not come within ${seconds} s, ${peers} peers connected; connect to a peer that has it`,
    { detail: { cid: String(cid), seconds, peers } },
  )
}
