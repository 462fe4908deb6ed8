// The structured log: records of plain data under a topic, handed to sinks. Where they end up and how they look is the sinks' business.

import type { Clock } from './clock.ts'
import { assert } from './errors.ts'
import type { LogLevel, LogLevels } from './loglevels.ts'
import { type PlainObject, plainFields, plainText } from './plainvalue.ts'
import type { Seconds } from './units.ts'

/** One event. Plain data without secrets, so that it may be kept, shown, cloned and written as it is. */
export interface LogRecord {
  readonly level: LogLevel
  readonly time: Seconds
  readonly topic: string
  readonly message: string
  readonly fields: PlainObject
}

/** Takes each record at once; it must be quick and keep any buffer bounded. */
export type LogSink = (record: LogRecord) => void

/** Anything that can be shown as plain data (plainvalue.ts). As a function it is asked only when the record is wanted. */
export type LogFields = Readonly<Record<string, unknown>>

export interface LogParts {
  readonly clock: Pick<Clock, 'now'>
  /** Shared by all topics; may be changed at any time. */
  readonly levels: LogLevels
  readonly sinks: readonly LogSink[]
}

/** Topic of a log that was given none. */
export const ROOT_TOPIC = 'node'

/** Never throws into its caller. While a level is off, a call costs one look-up. */
export class Log {
  readonly #parts: LogParts
  readonly #topic: string
  readonly #fields: LogFields

  constructor(parts: LogParts, topic: string = ROOT_TOPIC, fields: LogFields = {}) {
    assert(/^[a-z0-9][a-z0-9-]*$/.test(topic), `a topic is lower-case letters, digits and hyphens, found ${topic}`)
    this.#parts = parts
    this.#topic = topic
    this.#fields = fields
  }

  /** The same log under another topic, with a level of its own. */
  topic(topic: string): Log {
    return new Log(this.#parts, topic, this.#fields)
  }

  /** The same log with `fields` on every record, behind those it has. */
  with(fields: LogFields): Log {
    return new Log(this.#parts, this.#topic, { ...this.#fields, ...fields })
  }

  /** Whether a line of this level would be written: worth asking before its fields are put together. */
  isOn(level: LogLevel): boolean {
    return this.#parts.levels.isOn(this.#topic, level)
  }

  /** Every step, for whoever looks for a mistake. `fields` that are a function are asked for only where the line is written, here as below. */
  trace(message: string, fields?: LogFields | (() => LogFields)): void {
    this.#write('trace', message, fields)
  }

  /** What the node does by itself. */
  debug(message: string, fields?: LogFields | (() => LogFields)): void {
    this.#write('debug', message, fields)
  }

  /** What a person may want to follow. */
  info(message: string, fields?: LogFields | (() => LogFields)): void {
    this.#write('info', message, fields)
  }

  /** What went wrong and was put up with. */
  warn(message: string, fields?: LogFields | (() => LogFields)): void {
    this.#write('warn', message, fields)
  }

  /** What failed, and needs somebody. */
  error(message: string, fields?: LogFields | (() => LogFields)): void {
    this.#write('error', message, fields)
  }

  #write(level: LogLevel, message: string, fields: LogFields | (() => LogFields) | undefined): void {
    if (!this.isOn(level)) return
    const record: LogRecord = {
      level,
      time: this.#parts.clock.now(),
      topic: this.#topic,
      message: plainText(message),
      fields: plainFields(this.#ask(fields)),
    }
    for (const sink of this.#parts.sinks) {
      try {
        sink(record)
      } catch {
        // A full disk or a closed pipe under one sink must neither end a sale nor keep the record from the other sinks.
      }
    }
  }

  #ask(fields: LogFields | (() => LogFields) | undefined): LogFields {
    try {
      return { ...this.#fields, ...(typeof fields === 'function' ? fields() : fields) }
    } catch (fieldsFailed) {
      return { ...this.#fields, fieldsFailed }
    }
  }
}
