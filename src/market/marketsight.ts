// A look at the marketplace for somebody who wants to name terms: what an address has, and what clients asked for of late. It changes nothing and signs nothing.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { ChainReader } from './chainreader.ts'
import { Connection, type ConnectionParts, type ConnectionSettings } from './connection.ts'
import { accountAt } from './examinechain.ts'
import { LogReader } from './logreader.ts'

/** What a client offers for a slot. */
export interface SeenAsk {
  /** Token base units. */
  readonly pricePerBytePerSecond: bigint
  /** Token base units. */
  readonly collateralPerByte: bigint
  readonly slotBytes: Bytes
  readonly duration: Seconds
  /** Whether its slots may still be filled, as far as time goes. */
  readonly isOpen: boolean
}

export interface MarketSight {
  /** Of the address, in base units. */
  readonly tokens: bigint
  /** The latest first, at most {@link MAX_ASKS}; undefined where the endpoint does not tell. */
  readonly asks: readonly SeenAsk[] | undefined
}

/** Blocks asked about at once: few enough for endpoints that count them. */
const BLOCKS_PER_LOOK = 5000
/** Enough to know what is usual. */
const MAX_LOOKS = 8
export const MAX_ASKS = 50

/** @throws CodexError as {@link Connection.open} */
export async function seeMarket(
  parts: ConnectionParts,
  settings: ConnectionSettings,
  address: string,
  options: AbortOptions,
): Promise<MarketSight> {
  const connection = new Connection(parts, { ...settings, connectAttempts: 1 })
  try {
    const marketplace = await connection.open(options)
    const reader = new ChainReader({ ...connection, log: parts.log }, marketplace, address)
    const token = await reader.tokenAddress(options)
    const { tokens } = await accountAt(connection, reader, { address, token, marketplace }, options)
    return { tokens, asks: await asksOfLate(connection, parts, marketplace, options) }
  } finally {
    await connection.close()
  }
}

async function asksOfLate(
  { rpc, heads }: Connection,
  { clock, log }: ConnectionParts,
  marketplace: string,
  options: AbortOptions,
): Promise<readonly SeenAsk[] | undefined> {
  const reader = new LogReader({ rpc, clock, log }, marketplace)
  const { number, timestamp: now } = heads.latest
  let asks: SeenAsk[] | undefined
  try {
    for (let look = 0, to = number; look < MAX_LOOKS && to >= 0; look++, to -= BLOCKS_PER_LOOK) {
      const calls = reader.calls(Math.max(0, to - BLOCKS_PER_LOOK + 1), to)
      const events = reader.events(calls, await rpc.callMany(calls, options))
      asks ??= []
      for (const event of events.reverse())
        if (event.type === 'StorageRequested' && asks.length < MAX_ASKS) asks.push(askOf(event, now))
      if (asks.length === MAX_ASKS) break
    }
  } catch (error) {
    options.signal.throwIfAborted()
    if (!CodexError.is(error)) throw error
    // An endpoint that grants no logs so far back; what was found is better than nothing.
    log.info('the endpoint does not tell of earlier requests', { error })
  }
  return asks
}

function askOf(
  {
    ask,
    expiry,
  }: {
    readonly ask: {
      readonly pricePerBytePerSecond: bigint
      readonly collateralPerByte: bigint
      readonly slotSize: bigint
      readonly duration: bigint
    }
    readonly expiry: Seconds
  },
  now: Seconds,
): SeenAsk {
  const { pricePerBytePerSecond, collateralPerByte, slotSize, duration } = ask
  return {
    ...{ pricePerBytePerSecond, collateralPerByte },
    slotBytes: Number(slotSize),
    duration: Number(duration),
    isOpen: expiry > now,
  }
}
