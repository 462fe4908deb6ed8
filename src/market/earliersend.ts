// Tokens and coins that an earlier run was sending when it ended, and what became of them: sending them once more would pay twice.

import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Address, Landed } from './market.ts'
import { TOKEN } from './marketplaceinterface.ts'
import { callOf } from './nodekey.ts'
import type { Attempt } from './sendjournal.ts'
import type { Sent } from './senttransactions.ts'

export interface EarlierSend {
  readonly verb: 'sendToken' | 'sendCoin'
  readonly to: Address
  /** In base units of the token, or wei. */
  readonly amount: bigint
  /** Of every form it was sent in. */
  readonly hashes: readonly string[]
  /** Undefined when it did not happen, and will not any more. */
  readonly landed: Landed | undefined
}

/** Those among `sents`, once their end is known. @throws CodexError `market/stopped`, or the signal's reason */
export async function earlierSends(sents: readonly Sent[], { signal }: AbortOptions): Promise<EarlierSend[]> {
  const ends = sents.map(async ({ entry, settled }): Promise<EarlierSend | undefined> => {
    const { verb, attempts } = entry
    const { kind, raw } = attempts[0] as Attempt
    if ((verb !== 'sendToken' && verb !== 'sendCoin') || kind === 'cancel') return undefined
    const { to, data, value } = callOf(raw)
    const [receiver, amount] = verb === 'sendCoin' ? ([to, BigInt(value)] as const) : transferOf(data)
    const landed = await settled.then(
      (end) => end.landed,
      (error: unknown) => {
        if (!CodexError.is(error) || error.code === 'market/stopped') throw error
        return undefined
      },
    )
    const hashes = landed === undefined ? attempts.map(({ hash }) => hash) : [landed.hash]
    return { verb, to: receiver.toLowerCase(), amount, hashes, landed }
  })
  return (await raceAbort(Promise.all(ends), signal)).filter((one) => one !== undefined)
}

/** We signed it, so that it decodes. */
function transferOf(data: string): readonly [to: string, amount: bigint] {
  return TOKEN.decodeFunctionData('transfer', data) as unknown as readonly [string, bigint]
}
