// A key whose only copy may be evicted holds no money: why, and the ways out.

import { isLocalChain } from '../src/protocol/localchains.ts'
import type { KeyDesk } from './keydesk.ts'
import type { Session } from './session.ts'

interface Parts {
  readonly desk: KeyDesk
  readonly session: Pick<Session, 'state' | 'askToPersist'>
  /** Where the key is used: money of a local chain is none. */
  readonly chainId: number
}

/** Whether money may be sent to the key: the browser has promised to keep it, or it is somewhere else, too. */
export function isKeySafe({ desk, session, chainId }: Parts): boolean {
  return isLocalChain(chainId) || session.state.space.value?.persisted === true || desk.hasCopy.value
}

/** Nothing where {@link isKeySafe}. */
export function KeyAtRisk(parts: Parts) {
  const { desk, session } = parts
  if (isKeySafe(parts)) return null
  return (
    <div class="banner bad" role="alert" data-testid="key-at-risk">
      <p>
        The only copy of the key is in this browser, which may delete it when disk space runs out, and with it whatever
        the key holds: send it money only after one of these.
      </p>
      <button type="button" onClick={() => void session.askToPersist()}>
        Ask the browser to keep the key
      </button>
      <button type="button" onClick={() => desk.saveCopy()}>
        Save a copy of the key, encrypted
      </button>
    </div>
  )
}
