// Reads argv: which verb, which options, which operands. What the options mean is settled later, by their tables.

import { parseArgs } from 'node:util'
import { CodexError } from '../lib/errors.ts'
import type { ConfigFile } from './configfile.ts'
import type { OptionTable, RawOptions } from './option.ts'
import { flag } from './option.ts'
import { PAIRED_SHORT_NAMES, REFUSED_SHORT_NAMES } from './refusedoptions.ts'
import { type Environment, environmentName, givenText, SETTINGS, type SettingSources } from './settings.ts'
import type { Verb } from './verb.ts'
import { VERBS, type VerbEntry } from './verbs.ts'

/** What every verb takes besides settings. */
export const COMMON_OPTIONS = {
  json: flag('print one JSON document on stdout, no progress; errors too: { "error": { code, message, detail } }'),
  help: flag('explain, do nothing', { short: 'h' }),
  version: flag('print the version, do nothing'),
} as const satisfies OptionTable

export interface FoundVerb {
  readonly entry: VerbEntry
  /** argv without the words of the verb. */
  readonly rest: readonly string[]
}

export interface ParsedArguments {
  readonly raw: RawOptions
  readonly operands: readonly string[]
}

/**
 * The verb is the first word that is no option, or the first two words.
 * @returns undefined when there is no word at all
 * @throws CodexError `cli/unknown-verb`
 */
export function findVerb(argv: readonly string[]): FoundVerb | undefined {
  // Not strict: options of the verb are not known yet.
  const { tokens } = parseArgs({
    args: [...argv],
    options: parseArgsOptions({ ...SETTINGS, ...COMMON_OPTIONS }),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const [first, second] = tokens.filter((token) => token.kind === 'positional')
  if (first === undefined) return undefined
  for (const words of second === undefined ? [[first]] : [[first, second], [first]]) {
    const name = words.map(({ value }) => value).join(' ')
    const entry = VERBS.find((verb) => verb.name === name)
    if (entry === undefined) continue
    const taken = words.map(({ index }) => index)
    return { entry, rest: argv.filter((_, i) => !taken.includes(i)) }
  }
  const found = [first, second].flatMap((word) => word?.value ?? []).join(' ')
  // Half of a verb of two words: the other half is what is missing.
  const family = VERBS.filter(({ name }) => name.startsWith(`${first.value} `))
  const known = (family.length > 0 ? family : VERBS).map(({ name }) => name).join(', ')
  throw new CodexError(
    'cli/unknown-verb',
    `expected ${known.includes(',') ? 'one of ' : ''}${known}, found ${JSON.stringify(found)}`,
    {
      detail: { found },
    },
  )
}

/** @throws CodexError `cli/bad-option`, `cli/bad-operands` */
export function parseArguments({ entry, rest }: FoundVerb, verb: Verb): ParsedArguments {
  checkRefused(entry, verb, rest)
  const { args, switched } = withoutSwitchValues(withLongNames(rest, verb), verb)
  const { values, positionals } = strictly(entry.name, () =>
    parseArgs({
      args,
      options: parseArgsOptions(tableOf(verb)),
      strict: true,
      allowPositionals: true,
    }),
  )
  // Help is given whatever else is missing.
  if (values['help'] !== true) checkOperands(entry, verb, positionals)
  return { raw: { ...joined(values), ...switched }, operands: positionals }
}

/** What argv leaves open, from environment and file. */
export function configured(raw: RawOptions, table: OptionTable, sources: Omit<SettingSources, 'raw'>): RawOptions {
  const found = Object.keys(table).map((name) => [name, givenText(name, raw[name], sources)?.given] as const)
  return { ...raw, ...Object.fromEntries(found.filter(([, given]) => given !== undefined)) }
}

/**
 * That the file names nothing that this verb does not know: a word misspelt must not be left out in silence.
 * @throws CodexError `cli/bad-config-file`, `cli/refused-option`
 */
export function checkConfigFile({ name: verbName }: VerbEntry, verb: Verb, file: ConfigFile | undefined): void {
  const table = tableOf(verb)
  for (const name of file?.values.keys() ?? []) {
    const why = verb.refuses?.get(name)
    if (why !== undefined) throw refused(verbName, `--${name}`, why, name)
    if (!Object.hasOwn(table, name) || Object.hasOwn(COMMON_OPTIONS, name))
      throw new CodexError('cli/bad-config-file', `${file?.path}: ${verbName} knows no option ${name}`, {
        detail: { option: name },
      })
  }
}

/** The same of the environment, for what is not honoured. @throws CodexError `cli/refused-option` */
export function checkEnvironment({ name: verbName }: VerbEntry, { refuses }: Verb, env: Environment): void {
  for (const [name, why] of refuses ?? [])
    if ((env[environmentName(name)] ?? '') !== '') throw refused(verbName, environmentName(name), why)
}

/** For a command line without a verb. @throws CodexError `cli/bad-option` */
export function parseCommon(argv: readonly string[]): RawOptions {
  const options = parseArgsOptions({ ...SETTINGS, ...COMMON_OPTIONS })
  return joined(strictly('', () => parseArgs({ args: [...argv], options, strict: true })).values)
}

function tableOf(verb: Verb): OptionTable {
  return { ...verb.options, ...SETTINGS, ...COMMON_OPTIONS }
}

function strictly<T>(verbName: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    // The first sentence says what is wrong; what follows is advice about the parser.
    const [found = ''] = cause.message.split(/\.\s|\n/)
    throw new CodexError('cli/bad-option', `${found.replace(/\.$/, '')}; see ${helpCall(verbName)}`, { cause })
  }
}

/** Options of other nodes that this one does not honour are told from those that nobody knows. @throws CodexError `cli/refused-option` */
function checkRefused({ name: verbName }: VerbEntry, { refuses }: Verb, args: readonly string[]): void {
  for (const arg of args) {
    if (arg === '--') return
    const short = PAIRED_SHORT_NAMES.has(arg) ? '' : (/^-[a-z]/.exec(arg)?.[0] ?? '')
    const name = /^--([^=]+)/.exec(arg)?.[1] ?? REFUSED_SHORT_NAMES.get(short) ?? ''
    const why = refuses?.get(name)
    if (why === undefined) continue
    throw refused(verbName, `--${name}`, why, name)
  }
}

/** Letters that stand together for one option elsewhere are its name here: they would be read as several. */
function withLongNames(args: readonly string[], { options }: Verb): string[] {
  const end = args.indexOf('--')
  return args.map((arg, i) => {
    const name = end === -1 || i < end ? PAIRED_SHORT_NAMES.get(arg) : undefined
    return name !== undefined && Object.hasOwn(options, name) ? `--${name}` : arg
  })
}

/** `--metrics=false`, which elsewhere and in environment and file is a way to say it: taken out of argv, the texts by name. */
function withoutSwitchValues(
  args: readonly string[],
  { options }: Verb,
): { readonly args: string[]; readonly switched: Readonly<Record<string, string>> } {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  const switched = new Map<string, string>()
  const kept = args.filter((arg, i) => {
    const [, name = '', value = ''] = /^--([^=]+)=(.*)$/s.exec(i < end ? arg : '') ?? []
    if (!Object.hasOwn(options, name) || options[name]?.takes !== undefined) return true
    switched.set(name, value)
    return false
  })
  return { args: kept, switched: Object.fromEntries(switched) }
}

function refused(verbName: string, given: string, why: string, option = given): CodexError<'cli/refused-option'> {
  return new CodexError('cli/refused-option', `${verbName} does not take ${given}: ${why}`, { detail: { option } })
}

function checkOperands({ name }: VerbEntry, { operands }: Verb, found: readonly string[]): void {
  const { text, min, max } = operands ?? { text: 'nothing', min: 0, max: 0 }
  if (found.length >= min && found.length <= max) return
  const list = found.length === 0 ? 'nothing' : found.map((word) => JSON.stringify(word)).join(' ')
  throw new CodexError('cli/bad-operands', `${name} expects ${text}, found ${list}; see ${helpCall(name)}`)
}

function helpCall(verbName: string): string {
  return ['codex-light', verbName, '--help'].filter((word) => word !== '').join(' ')
}

function parseArgsOptions(table: OptionTable) {
  return Object.fromEntries(
    Object.entries(table).map(([name, { takes, short, isRepeatable }]) => [
      name,
      {
        type: takes === undefined ? ('boolean' as const) : ('string' as const),
        ...(short && { short }),
        ...(isRepeatable && { multiple: true }),
      },
    ]),
  )
}

/** What was given several times, as it stands in the environment: with commas between. */
function joined(values: Readonly<Record<string, unknown>>): RawOptions {
  const entries = Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value])
  return Object.fromEntries(entries) as RawOptions
}
