// Log records as lines: text for people, NDJSON for programs. Pure functions; writing the lines is a sink's work.

import { escapeControls } from './escapecontrols.ts'
import type { LogRecord } from './log.ts'
import type { PlainValue } from './plainvalue.ts'

/** Names a JSON line uses itself; a field of such a name is written as `field.<name>`. */
const OWN_NAMES = new Set(['level', 'time', 'topic', 'msg'])

/**
 * One line without its end: `2023-11-14T22:13:20Z INFO  repostore: message size=65536 file="two words"`. What could break a line, steer a
 * terminal or turn its direction is escaped; values that are not one plain word are JSON.
 */
export function formatText({ level, time, topic, message, fields }: LogRecord): string {
  const shown = Object.entries(fields).map(([name, value]) => ` ${escapeControls(name)}=${textOf(value)}`)
  return `${textOfTime(time)} ${level.toUpperCase().padEnd(5)} ${topic}: ${escapeControls(message)}${shown.join('')}`
}

/** One line without its end: `{"level","time" (seconds since 1970),"topic","msg", then the fields}`. */
export function formatJson({ level, time, topic, message, fields }: LogRecord): string {
  const own = { level, time, topic, msg: message }
  const shown = Object.entries(fields).map(
    ([name, value]) => [OWN_NAMES.has(name) ? `field.${name}` : name, value] as const,
  )
  return JSON.stringify(Object.fromEntries([...Object.entries(own), ...shown]))
}

/** Last instant a Date can hold, in seconds. */
const MAX_DATE_S = 8_640_000_000_000

function textOfTime(time: number): string {
  return Math.abs(time) <= MAX_DATE_S ? new Date(time * 1000).toISOString().replace('.000Z', 'Z') : String(time)
}

function textOf(value: PlainValue): string {
  if (typeof value === 'string' && /^[\w.:/+@%[\]-]+$/.test(value)) return value
  return escapeControls(JSON.stringify(value))
}
