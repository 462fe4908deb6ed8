// Shows how far work on slots is: its stage, bytes, rate and time left. The work is the caller's.

import type { Call } from './verb.ts'
import type { LocalNode } from './withnode.ts'

/** What work on slots takes. */
export type SlotsOptions = Parameters<LocalNode['slots']['build']>[1]
type SlotsStage = Parameters<NonNullable<SlotsOptions['progress']>>[0]['stage']
/** A dataset with its slots. */
export type SlotsEntry = Awaited<ReturnType<LocalNode['slots']['show']>>

const WORDS: Readonly<Record<SlotsStage, string>> = {
  protecting: 'protecting',
  hashing: 'hashing',
  repairing: 'rebuilding',
  decoding: 'reading',
}

/** @returns what `work` returns */
export function reportSlots<T>(
  { terminal, signal }: Pick<Call, 'terminal' | 'signal'>,
  work: (options: SlotsOptions) => Promise<T>,
): Promise<T> {
  return terminal.progress({ label: 'preparing' }, (advance) =>
    work({
      signal,
      progress: ({ stage, doneBytes, totalBytes }) => advance(doneBytes, { label: WORDS[stage], totalBytes }),
    }),
  )
}
