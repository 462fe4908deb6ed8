// How fast time may go for a provider, so that it is in time on any machine. Not a test.

import type { Trade } from '../../src/trade.ts'
import type { Pace } from './patienttime.ts'

/** In these a sale has much to do before a deadline. */
const BUSY_STATES = ['SalePreparing', 'SaleSlotReserving', 'SaleDownloading', 'SaleInitialProving']

/** Time stands still while it proves, and goes slowly while it fetches or sends what must be in time. */
export function paceOf({ provider, market }: Trade): Pace {
  if (provider === undefined) return 'fast'
  if (provider.meter.waiting > 0) return 'stand'
  if (market.openIntents().length > 0) return 'slow'
  return provider.list().some(({ state }) => BUSY_STATES.includes(state)) ? 'slow' : 'fast'
}
