// The Web Lock of a key on a chain: of all tabs of this browser one acts with it, whatever their nodes are called.

import { CodexError } from '../../lib/errors.ts'
import type { HoldKey, KeyPlace } from '../../market/keyhold.ts'
import { WebLock } from './weblock.ts'

/** A tab that was closed a moment ago may not have let go yet. */
const PATIENCE_MS = 3000

/** The name under which tabs meet; see {@link WebLock}. */
export function keyLockName({ chainId, address }: KeyPlace): string {
  return `key/${chainId}/${address}`
}

export function holdKeyByLock(locks?: LockManager, patienceMs = PATIENCE_MS): HoldKey {
  return async (place, { signal }) => {
    const name = keyLockName(place)
    const held = await WebLock.tryToHold(name, locks)
    if (held !== undefined) return held
    const timeout = AbortSignal.timeout(patienceMs)
    try {
      return await WebLock.waitInLine(name, { signal: AbortSignal.any([signal, timeout]) }, locks)
    } catch (error) {
      if (signal.aborted || !timeout.aborted) throw error
      throw new CodexError(
        'market/key-in-use',
        `another tab of this browser acts as ${place.address} on chain ${place.chainId}: use that tab, or close it`,
        { detail: { ...place }, cause: error },
      )
    }
  }
}
