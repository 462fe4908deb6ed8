// Shows how far work on slots is: its stage, bytes, rate and time left. The work is the caller's.

import type { SlotsJob, SlotsStage } from '../rest/slotsdesk.ts'
import type { Call } from './verb.ts'

const WORDS: Readonly<Record<SlotsStage, string>> = {
  protecting: 'protecting',
  hashing: 'hashing',
  repairing: 'rebuilding',
  decoding: 'reading',
}

/** @returns what `work` returns */
export function reportSlots<T>(
  { terminal, signal }: Pick<Call, 'terminal' | 'signal'>,
  work: (job: SlotsJob) => Promise<T>,
): Promise<T> {
  return terminal.progress({ label: 'preparing' }, (advance) =>
    work({
      signal,
      progress: ({ stage, doneBytes, totalBytes }) => advance(doneBytes, { label: WORDS[stage], totalBytes }),
    }),
  )
}
