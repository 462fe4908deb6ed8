// What the nodes of a test said, in files that stay: `.cache/logs/<test>/<node>.log`. Not a test.

import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFailed } from 'vitest'
import type { LogRecord } from '../../src/lib/log.ts'
import { formatText } from '../../src/lib/logformat.ts'

const LOGS = fileURLToPath(new URL('../../.cache/logs', import.meta.url))
/** Longer names of tests are cut. */
const MAX_NAME = 100
/** Held back, so that a test does not wait for the disk at each line. */
const MAX_HELD = 200

export class WorldLogs {
  /** Of the test that runs now. */
  readonly folder: string
  readonly #held = new Map<string, string[]>()

  /** Begins anew what an earlier run of the same test left. A test that fails says where they are. */
  constructor() {
    const { testPath = '', currentTestName = 'set-up' } = expect.getState()
    this.folder = join(LOGS, `${basename(testPath).split('.')[0]}-${fileName(currentTestName)}`)
    rmSync(this.folder, { recursive: true, force: true })
    mkdirSync(this.folder, { recursive: true })
    try {
      onTestFailed(() => {
        this.flush()
        process.stderr.write(`what the nodes said: ${this.folder}\n`)
      })
    } catch {
      // Outside of a test: whatever runs there says itself that it failed.
    }
  }

  /** Of a node with this name. */
  fileOf(node: string): string {
    return join(this.folder, `${fileName(node)}.log`)
  }

  add(node: string, record: LogRecord): void {
    this.addLine(node, formatText(record))
    if (record.level === 'error') this.flush()
  }

  /** One that is put into words already. */
  addLine(node: string, line: string): void {
    const held = this.#held.get(node) ?? []
    this.#held.set(node, held)
    held.push(`${line}\n`)
    if (held.length >= MAX_HELD) this.flush()
  }

  flush(): void {
    for (const [node, lines] of this.#held) appendFileSync(this.fileOf(node), lines.join(''))
    this.#held.clear()
  }
}

function fileName(text: string): string {
  return text
    .replace(/[^\w-]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, MAX_NAME)
}
