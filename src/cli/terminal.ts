// What the command says and where: data on stdout, everything else on stderr. It knows streams, no verbs.

import type { Writable } from 'node:stream'
import { CodexError } from '../lib/errors.ts'
import type { Advance } from './progress.ts'
import { Progress } from './progress.ts'

/** A pipe, a file or a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number }

export interface TerminalParts {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** One document on stdout, no progress. */
  readonly json: boolean
  readonly colour: boolean
  /** Told once that nobody reads stdout any more. */
  readonly outputClosed: (reason: CodexError) => void
}

export class Terminal {
  readonly json: boolean
  readonly #parts: TerminalParts
  #progress: Progress | undefined
  #closed: CodexError | undefined

  constructor(parts: TerminalParts) {
    this.#parts = parts
    this.json = parts.json
    parts.stdout.on('error', (cause: Error) => this.#close(cause))
    // Who closes stderr wants to hear nothing more; the exit code still tells.
    parts.stderr.on('error', () => undefined)
  }

  /** Whether a person sees stderr. */
  get attended(): boolean {
    return this.#parts.stderr.isTTY === true && !this.json
  }

  /** The answer of a verb: with `--json` its data as one document, else the text. Settles when it is handed over. */
  async answer(data: object, text: string): Promise<void> {
    await this.write(Buffer.from(`${this.json ? JSON.stringify(data) : text}\n`))
  }

  /** Bytes to stdout as they are. @throws CodexError `cli/output-closed` */
  write(bytes: Uint8Array): Promise<void> {
    // Two writers on one screen would mix.
    if (this.#parts.stdout.isTTY === true) this.#progress?.end()
    return this.#toStdout(bytes)
  }

  /** A whole line to stdout; what shows progress makes room for it and goes on below. @throws CodexError `cli/output-closed` */
  tell(line: string): Promise<void> {
    this.#progress?.hide()
    return this.#toStdout(Buffer.from(`${line}\n`))
  }

  #toStdout(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#parts.stdout.write(bytes, (error) => {
        if (error) reject(this.#close(error))
        else resolve()
      })
    })
  }

  /** A line on stderr. */
  say(line: string): void {
    this.#progress?.hide()
    this.#parts.stderr.write(`${line}\n`)
  }

  /** A remark for a person, if there is one. */
  remark(line: string): void {
    if (this.attended) this.say(line)
  }

  /** Runs `work` with a line that shows how far it is, if a person watches; the line is gone when it settles. */
  async progress<T>(
    { label, totalBytes }: { readonly label: string; readonly totalBytes?: number | undefined },
    work: (advance: Advance) => Promise<T>,
  ): Promise<T> {
    if (!this.attended) return work(() => undefined)
    const progress = new Progress({ label, totalBytes, stream: this.#parts.stderr, colour: this.#parts.colour })
    this.#progress = progress
    try {
      return await work((doneBytes, now) => progress.advance(doneBytes, now))
    } finally {
      progress.end()
      this.#progress = undefined
    }
  }

  #close(cause: Error): CodexError {
    if (this.#closed === undefined) {
      const gone = 'code' in cause && (cause.code === 'EPIPE' || cause.code === 'ERR_STREAM_DESTROYED')
      this.#closed = gone
        ? new CodexError('cli/output-closed', 'nobody reads our output any more', { cause })
        : new CodexError('output/failed', `expected to write to stdout, found: ${cause.message}`, { cause })
      this.#parts.outputClosed(this.#closed)
    }
    return this.#closed
  }
}
