// How fast time may go for a provider, so that it is in time on any machine. Not a test.

import type { Trade } from '../../src/trade.ts'
import type { Pace } from './patienttime.ts'

/** Time stands still while it proves, and goes slowly while it fetches. While it asks the chain, the endpoint says so. */
export function paceOf({ provider }: Trade): Pace {
  if (provider === undefined) return 'fast'
  if (provider.meter.waiting > 0) return 'stand'
  return provider.list().some(({ state }) => state === 'SaleDownloading') ? 'slow' : 'fast'
}
