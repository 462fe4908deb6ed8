// Clock and log of a node that is measured: the machine's own time, and not a word.

import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'

/** A measurement is ended by ending its process. */
export const NEVER = new AbortController().signal

export function quietParts(): { readonly clock: SystemClock; readonly log: Log } {
  const clock = new SystemClock()
  return { clock, log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }) }
}
