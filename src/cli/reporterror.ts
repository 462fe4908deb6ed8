// Says what went wrong: one sentence on stderr, with --json also a document on stdout. A stack only for what is our own mistake.

import { CodexError } from '../lib/errors.ts'
import { escapeControls } from '../lib/escapecontrols.ts'
import { plainFields, plainText } from '../lib/plainvalue.ts'
import type { ExitCode } from './exitcodes.ts'
import { exitCodeOf } from './exitcodes.ts'
import { sentenceOf } from './sentenceof.ts'
import type { Terminal } from './terminal.ts'

/** No chain of causes is longer. */
const MAX_CAUSES = 10

/** @param causes whether to say what lies beneath */
export async function reportError(error: unknown, terminal: Terminal, causes: boolean): Promise<ExitCode> {
  if (CodexError.is(error, 'cli/output-closed')) return exitCodeOf(error)
  const expected = CodexError.is(error)
  const code = expected ? error.code : 'cli/unexpected'
  const message = expected ? sentenceOf(error) : error instanceof Error ? error.message : String(error)
  if (expected) terminal.say(`codex-light: ${escapeControls(message)} (${code})`)
  else
    terminal.say(
      `codex-light: unexpected error; this is a mistake in codex-light, please report it with the lines below\n${stackOf(error)}`,
    )
  if (causes) for (const cause of causesOf(error)) terminal.say(`  because: ${escapeControls(cause)}`)
  const detail = expected ? plainFields(error.detail) : {}
  // Nothing more can be said to a reader who is gone.
  if (terminal.json) await terminal.answer({ error: { code, message, detail } }, '').catch(() => undefined)
  return exitCodeOf(error)
}

/** Whether whoever asked for this log wants to hear what lies beneath an error. */
export function tellsCauses(logLevel: string | undefined): boolean {
  return /^(debug|trace)/.test(logLevel ?? '')
}

function causesOf(error: unknown): string[] {
  const found: string[] = []
  for (let cause = causeOf(error); cause !== undefined && found.length < MAX_CAUSES; cause = causeOf(cause))
    found.push(
      CodexError.is(cause)
        ? `${cause.message} (${cause.code})`
        : plainText(cause instanceof Error ? cause.message : typeof cause),
    )
  return found
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
