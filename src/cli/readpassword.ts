// The password of the keystore: from the file that a setting names, else asked of the person at the terminal. Never from argv, where others see it.

import process from 'node:process'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { CodexError } from '../lib/errors.ts'
import { readSecret } from '../nodejs.ts'
import type { Call } from './verb.ts'

/** @param isNew asks twice, and refuses an empty one @throws CodexError `cli/no-password`, as {@link readSecret}, or the signal's reason */
export async function readPassword({ settings, signal }: Call, isNew: boolean): Promise<string> {
  const file = settings['password-file'].given
  const password =
    file === undefined
      ? await ask('password of the keystore: ', signal)
      : (await readSecret(file, 'password')).split(/\r?\n/)[0]
  if (isNew && (password ?? '') === '') throw noPassword('a password of at least one character')
  if (isNew && file === undefined && (await ask('once more: ', signal)) !== password)
    throw noPassword('the same password twice')
  return password ?? ''
}

async function ask(question: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw noPassword('a terminal to ask for a password')
  process.stderr.write(question)
  // Reads as a line does, shows nothing.
  const silent = new Writable({ write: (_part, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true })
  try {
    return await lines.question('', { signal })
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}

function noPassword(expected: string): CodexError<'cli/no-password'> {
  return new CodexError('cli/no-password', `expected ${expected}; give a file (mode 0600) with --password-file`)
}
