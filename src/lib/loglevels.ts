// Which topic logs from which level on, and how people write that down. It can be changed while the node runs.

import { CodexError } from './errors.ts'

/**
 * `error`: a human must act; `warn`: money or data at risk; `info`: once per phase of a sale; `debug` and `trace`: for whoever searches.
 */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

const RANKS = { trace: 0, debug: 1, info: 2, warn: 3, error: 4, off: 5 } as const
type Threshold = keyof typeof RANKS

/** Names that other Codex nodes know besides. */
const ALIASES: Readonly<Record<string, Threshold>> = { notice: 'info', fatal: 'error', none: 'off' }

export const DEFAULT_LOG_LEVEL = 'info'
/** The text may come from outside while the node runs. */
export const MAX_LOG_LEVELS_TEXT = 1000

const TOPIC = /^[a-z0-9][a-z0-9-]*$/

/** Written `info`, or `info;trace:repostore,slotqueue;off:exchange`: a level for all, then levels of topics; case does not matter. */
export class LogLevels {
  #base: Threshold = DEFAULT_LOG_LEVEL
  #topics: ReadonlyMap<string, Threshold> = new Map()

  /** @throws CodexError `log/bad-level` */
  constructor(text: string = DEFAULT_LOG_LEVEL) {
    this.set(text)
  }

  /** Replaces all levels, or none when the text is bad. A later word on one topic wins. @throws CodexError `log/bad-level` */
  set(text: string): void {
    if (text.length > MAX_LOG_LEVELS_TEXT) throw badLevel(text, `at most ${MAX_LOG_LEVELS_TEXT} characters`)
    let base: Threshold | undefined
    const topics = new Map<string, Threshold>()
    for (const part of text.toLowerCase().split(';')) {
      const [word = '', names, ...rest] = part.split(':').map((piece) => piece.trim())
      const threshold = readThreshold(word, text)
      if (rest.length > 0 || (names === undefined && base !== undefined))
        throw badLevel(text, 'LEVEL or LEVEL;LEVEL:topic,topic')
      if (names === undefined) base = threshold
      else for (const name of names.split(',')) topics.set(readTopic(name.trim(), text), threshold)
    }
    this.#base = base ?? DEFAULT_LOG_LEVEL
    this.#topics = topics
  }

  /** Whether lines of this topic and level are written. */
  isOn(topic: string, level: LogLevel): boolean {
    return RANKS[level] >= RANKS[this.#topics.get(topic) ?? this.#base]
  }

  /** The text that `set` would take for the same levels. */
  toString(): string {
    return [this.#base, ...Array.from(this.#topics, ([topic, threshold]) => `${threshold}:${topic}`)].join(';')
  }
}

function readThreshold(word: string, text: string): Threshold {
  if (Object.hasOwn(RANKS, word)) return word as Threshold
  const alias = Object.hasOwn(ALIASES, word) ? ALIASES[word] : undefined
  if (alias === undefined)
    throw badLevel(text, `one of ${Object.keys(RANKS).join(', ')} in the place of ${JSON.stringify(word)}`)
  return alias
}

function readTopic(name: string, text: string): string {
  if (!TOPIC.test(name))
    throw badLevel(text, `a topic of letters, digits and hyphens in the place of ${JSON.stringify(name)}`)
  return name
}

function badLevel(text: string, expected: string): CodexError<'log/bad-level'> {
  const found = text.slice(0, 80)
  return new CodexError('log/bad-level', `log level: expected ${expected}, found ${JSON.stringify(found)}`, {
    detail: { found },
  })
}
