// Slots of this tab wait for proofs that it does not make: as long as this is there, the tab's title says so, and a notification, and the tab asks before it is closed.

import { useEffect } from 'preact/hooks'

import { tellUnproven } from './notices.ts'
import type { Session } from './session.ts'

interface Parts {
  readonly session: Pick<Session, 'closing' | 'noteUnproven'>
  /** A few words. */
  readonly title: string
  /** What keeps it, and what to do, in a sentence. */
  readonly why: string
  /** Also as a notification: not for what is over in a moment. */
  readonly isNotified: boolean
}

export function UnprovenMark({ session, title, why, isNotified }: Parts) {
  useEffect(() => {
    const leaving = new AbortController()
    const over = AbortSignal.any([session.closing, leaving.signal])
    tellUnproven({ title, ...(isNotified && { body: why }) }, over)
    return () => leaving.abort()
  }, [session, title, isNotified])
  useEffect(() => session.noteUnproven(why), [session, why])
  useEffect(() => () => session.noteUnproven(undefined), [session])
  return null
}
