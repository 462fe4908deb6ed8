// The end of a verb that ran many parts: each is ended, however the others do, in the time that there is. What the parts are is the verb's business.

import process from 'node:process'
import { escapeControls } from '../lib/escapecontrols.ts'
import { EXIT } from './exitcodes.ts'
import { reportError, tellsCauses } from './reporterror.ts'
import type { Call } from './verb.ts'

/** Whatever has not ended by then is left behind: the store takes a kill at any moment. */
const STOP_MS = 4500

/**
 * Ends all of `ends`, one after the other. What takes too long is not waited for: the process then says what went wrong and exits as if all had ended.
 * @param failure what ended the run, if anything did; thrown again when all have ended, and without one the first error of an end
 */
export async function endInTime(
  ends: readonly (() => Promise<unknown>)[],
  failure: unknown,
  { terminal, settings }: Pick<Call, 'terminal' | 'settings'>,
): Promise<void> {
  let found = failure
  let leaving: Promise<void> | undefined
  const leave = async (): Promise<void> => {
    terminal.say('codex-light: something did not stop in time and is left behind')
    process.exit(
      found === undefined ? EXIT.ok : await reportError(found, terminal, tellsCauses(settings['log-level'].given)),
    )
  }
  const hurry = setTimeout(() => {
    leaving = leave()
  }, STOP_MS)
  for (const end of ends) {
    try {
      await end()
    } catch (error) {
      // Only one error ends the process, and what ended the run says more.
      if (found !== undefined) terminal.say(`codex-light: a part did not end well: ${escapeControls(String(error))}`)
      found ??= error
    }
  }
  clearTimeout(hurry)
  // What was too late does not report a second time.
  await leaving
  if (found !== undefined) throw found as Error
}
