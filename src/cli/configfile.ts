// The file of --config-file: TOML whose keys are names of options. Tables are for people to group by, as `[persistence.prover]`: an option may stand in any.

import { readFile } from 'node:fs/promises'
import { parse, TomlError } from 'smol-toml'
import { CodexError } from '../lib/errors.ts'
import { KiB } from '../lib/units.ts'

export interface ConfigFile {
  readonly path: string
  /** Texts by option, as a flag would give them. */
  readonly values: ReadonlyMap<string, string>
}

const MAX_FILE_BYTES = 256 * KiB
const MAX_DEPTH = 4
/** Words after `start` elsewhere: here tables of these names only group. */
const OPTION_NAME = /^[a-z][a-z0-9-]*$/

/** @throws CodexError `cli/bad-config-file` */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const values = new Map<string, string>()
  collect(parsed(path, await contentOf(path)), path, values, 1)
  return { path, values }
}

async function contentOf(path: string): Promise<string> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw bad(path, `it cannot be read: ${cause instanceof Error ? cause.message : 'unknown why'}`, cause)
  }
  if (bytes.length > MAX_FILE_BYTES) throw bad(path, `it has more than ${MAX_FILE_BYTES} bytes`)
  return bytes.toString('utf8')
}

function parsed(path: string, content: string): object {
  try {
    // Amounts may be larger than a number holds.
    return parse(content, { integersAsBigInt: true })
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const [sentence = ''] = cause.message.split('\n')
    throw bad(path, `line ${cause.line}: ${sentence}`, cause)
  }
}

function collect(table: object, path: string, values: Map<string, string>, depth: number): void {
  for (const [name, value] of Object.entries(table) as [string, unknown][]) {
    if (isTable(value)) {
      if (depth >= MAX_DEPTH) throw bad(path, `table ${name} is nested too deeply`)
      collect(value, path, values, depth + 1)
      continue
    }
    if (!OPTION_NAME.test(name)) throw bad(path, `${JSON.stringify(name)} is no name of an option`)
    if (values.has(name)) throw bad(path, `${name} is given twice`)
    values.set(name, textOf(name, value, path))
  }
}

function textOf(name: string, value: unknown, path: string): string {
  if (Array.isArray(value)) return value.map((each: unknown) => textOf(name, each, path)).join(',')
  if (['string', 'bigint', 'number', 'boolean'].includes(typeof value)) return String(value)
  throw bad(path, `${name} is neither a text, a number, true or false, nor a list of such`)
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

function bad(path: string, why: string, cause?: unknown): CodexError<'cli/bad-config-file'> {
  return new CodexError('cli/bad-config-file', `${path}: ${why}; see codex-light --help for the names of settings`, {
    detail: { path },
    cause,
  })
}
