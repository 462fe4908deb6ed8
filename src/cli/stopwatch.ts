// Seconds since the start, and the lines that begin with them.

import type { Terminal } from './terminal.ts'

export class StopWatch {
  readonly timings: Record<string, number> = {}
  readonly #terminal: Terminal
  readonly #startMs = performance.now()

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  get seconds(): number {
    return Math.round((performance.now() - this.#startMs) / 100) / 10
  }

  async done(stage: string, what: string): Promise<void> {
    this.timings[stage] ??= this.seconds
    await this.say(`${stage.padEnd(12)} ${what}`)
  }

  /** With --json the document says it all. @throws CodexError `cli/output-closed` */
  async say(line: string): Promise<void> {
    if (!this.#terminal.json) await this.#terminal.tell(`${`${this.seconds.toFixed(1)} s`.padStart(8)}  ${line}`)
  }

  /** For events, which wait for nobody. That nobody reads any more the call's signal says, and it ends the verb. */
  note(line: string): void {
    this.say(line).catch(() => undefined)
  }
}
