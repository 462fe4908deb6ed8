// Turns Ctrl-C and its kin into one abort signal. The first asks for an orderly end, the second ends the process at once.

import process from 'node:process'
import { CodexError } from '../lib/errors.ts'
import { EXIT } from './exitcodes.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Until `stopWatching`, signals reach `controller` and no longer end the process by themselves. */
export function watchInterrupts(controller: AbortController): () => void {
  let interrupted = false
  const interrupt = (signal: NodeJS.Signals): void => {
    if (interrupted) process.exit(EXIT.interrupted)
    interrupted = true
    controller.abort(new CodexError('cli/interrupted', `interrupted by ${signal}`, { detail: { signal } }))
  }
  for (const name of SIGNALS) process.on(name, interrupt)
  return () => {
    for (const name of SIGNALS) process.off(name, interrupt)
  }
}
