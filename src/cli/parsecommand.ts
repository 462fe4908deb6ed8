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
  version: flag('print the version, do nothing', { short: 'v' }),
} as const satisfies OptionTable

/** Letters by which a misspelt verb may differ. */
const MAX_SLIPS = 2

export interface FoundVerb {
  readonly entry: VerbEntry
  /** argv without the words of the verb. */
  readonly rest: readonly string[]
}

/** A word that several verbs begin with, alone. */
export interface FoundGroup {
  readonly group: string
  readonly verbs: readonly VerbEntry[]
  /** argv without it. */
  readonly rest: readonly string[]
}

export interface ParsedArguments {
  readonly raw: RawOptions
  readonly operands: readonly string[]
}

/** `help` in the place of a verb says what `--help` says. */
export function withHelpWord(argv: readonly string[]): readonly string[] {
  const [first] = wordsOf(argv)
  return first?.value === 'help' ? ['--help', ...argv.filter((_, i) => i !== first.index)] : argv
}

/**
 * The verb is the first word that is no option, or the first two words; the first word alone may be that of a group of verbs.
 * @returns undefined when there is no word at all
 * @throws CodexError `cli/unknown-verb`
 */
export function findVerb(argv: readonly string[]): FoundVerb | FoundGroup | undefined {
  const [first, second] = wordsOf(argv)
  if (first === undefined) return undefined
  for (const words of second === undefined ? [[first]] : [[first, second], [first]]) {
    const name = words.map(({ value }) => value).join(' ')
    const entry = VERBS.find((verb) => verb.name === name)
    if (entry === undefined) continue
    const taken = words.map(({ index }) => index)
    return { entry, rest: argv.filter((_, i) => !taken.includes(i)) }
  }
  const verbs = verbsOf(first.value)
  if (verbs.length === 0) throw unknownVerb(first.value, second?.value)
  if (second !== undefined) throw unknownVerb(`${first.value} ${second.value}`, undefined, first.value)
  return { group: first.value, verbs, rest: argv.filter((_, i) => i !== first.index) }
}

/** The verbs that begin with this word. */
function verbsOf(group: string): readonly VerbEntry[] {
  return VERBS.filter(({ name }) => name.startsWith(`${group} `))
}

/** Those of argv that are no options. */
function wordsOf(argv: readonly string[]) {
  // Not strict: options of the verb are not known yet.
  const { tokens } = parseArgs({
    args: [...argv],
    options: parseArgsOptions({ ...SETTINGS, ...COMMON_OPTIONS }),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  return tokens.filter((token) => token.kind === 'positional')
}

/** Of the words that follow a verb only its second may be part of its name. */
function unknownVerb(found: string, next: string | undefined, group = ''): CodexError<'cli/unknown-verb'> {
  const likely = likeliest([found, ...(next === undefined ? [] : [`${found} ${next}`])])
  const question = likely === undefined ? '' : `did you mean ${likely}?; `
  return new CodexError('cli/unknown-verb', `no verb ${JSON.stringify(found)}; ${question}see ${helpCall(group)}`, {
    detail: { found },
  })
}

/** The verb or group whose name one of these is a slip of. */
function likeliest(found: readonly string[]): string | undefined {
  const verbs = VERBS.map(({ name }) => name)
  const names = [...verbs, ...verbs.filter((name) => name.includes(' ')).map((name) => name.replace(/ .*/, ''))]
  const distances = names.map((name) => [name, Math.min(...found.map((word) => editDistance(word, name)))] as const)
  const close = distances.filter(([name, distance]) => distance <= Math.min(MAX_SLIPS, name.length / 2))
  return close.reduce<(typeof close)[number] | undefined>(
    (best, one) => (best && best[1] <= one[1] ? best : one),
    undefined,
  )?.[0]
}

/** Letters to put in, take out or exchange to make one word of another. */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > MAX_SLIPS) return Infinity
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...from].entries())
    row = [...to].reduce(
      (next, other, j) => [
        ...next,
        Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + Number(letter !== other)),
      ],
      [i + 1],
    )
  return row.at(-1) ?? 0
}

/** @throws CodexError `cli/bad-option`, `cli/bad-operands` */
export function parseArguments({ entry, rest }: FoundVerb, verb: Verb): ParsedArguments {
  const spelled = asParsed(rest, verb)
  checkRefused(entry, verb, spelled)
  const { args, switched } = withoutSwitchValues(spelled, verb)
  const options = parseArgsOptions(tableOf(verb))
  const { values, positionals } = strictly(entry.name, { args, options, allowPositionals: true })
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

/** For a command line without a verb, or with a word of several. @throws CodexError `cli/bad-option` */
export function parseCommon(argv: readonly string[], group = ''): RawOptions {
  const options = parseArgsOptions({ ...SETTINGS, ...COMMON_OPTIONS })
  return joined(strictly(group, { args: [...argv], options, allowPositionals: false }).values)
}

/** For a group of verbs that was named alone. */
export function noVerb({ group, verbs }: FoundGroup): CodexError<'cli/no-verb'> {
  const names = verbs.map(({ name }) => name)
  const expected = names.length === 1 ? names.join() : `one of ${names.join(', ')}`
  return new CodexError('cli/no-verb', `expected ${expected}; see ${helpCall(group)}`, { detail: { group } })
}

function tableOf(verb: Verb): OptionTable {
  return { ...verb.options, ...SETTINGS, ...COMMON_OPTIONS }
}

interface ParseSettings {
  readonly args: string[]
  readonly options: ReturnType<typeof parseArgsOptions>
  readonly allowPositionals: boolean
}

function strictly(verbName: string, settings: ParseSettings) {
  checkValues(verbName, settings)
  try {
    return parseArgs({ ...settings, strict: true })
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    // The first sentence says what is wrong; what follows is advice about the parser.
    const [found = ''] = cause.message.split(/\.\s|\n/)
    throw new CodexError('cli/bad-option', `${found.replace(/\.$/, '')}; see ${helpCall(verbName)}`, { cause })
  }
}

/** That no option takes another one as its value. @throws CodexError `cli/bad-option` */
function checkValues(verbName: string, settings: ParseSettings): void {
  for (const token of parseArgs({ ...settings, strict: false, tokens: true }).tokens) {
    if (token.kind !== 'option' || token.inlineValue !== false || !/^-./.test(token.value)) continue
    throw new CodexError(
      'cli/bad-option',
      `--${token.name} wants a value, found another option; for a value that begins with - write --${token.name}=VALUE; see ${helpCall(verbName)}`,
      { detail: { option: token.name, found: token.value } },
    )
  }
}

/** Options of other nodes that this one does not honour are told from those that nobody knows. @throws CodexError `cli/refused-option` */
function checkRefused({ name: verbName }: VerbEntry, { refuses }: Verb, args: readonly string[]): void {
  for (const arg of args) {
    if (arg === '--') return
    const short = PAIRED_SHORT_NAMES.has(partsOf(arg)[0]) ? '' : (/^-[a-z]/.exec(arg)?.[0] ?? '')
    const name = /^--([^=]+)/.exec(arg)?.[1] ?? REFUSED_SHORT_NAMES.get(short) ?? ''
    const why = refuses?.get(name)
    if (why === undefined) continue
    throw refused(verbName, `--${name}`, why, name)
  }
}

/**
 * As the network's nodes read a command line too (reference §9): `--name:VALUE`, `-d=VALUE` and `-d:VALUE`, and two letters for one option, which would be
 * read as several here.
 */
function asParsed(args: readonly string[], verb: Verb): string[] {
  const table = tableOf(verb)
  const end = args.includes('--') ? args.indexOf('--') : args.length
  const byLetter = (letter: string): string | undefined =>
    Object.keys(table).find((name) => table[name]?.short === letter && table[name].takes !== undefined)
  return args.map((arg, i) => {
    if (i >= end) return arg
    const [, long = '', named = ''] = /^--([a-z][a-z0-9-]*):(.*)$/s.exec(arg) ?? []
    if (Object.hasOwn(table, long) || verb.refuses?.has(long) === true) return `--${long}=${named}`
    const [letters, rest] = partsOf(arg)
    const paired = PAIRED_SHORT_NAMES.get(letters)
    if (paired !== undefined && Object.hasOwn(table, paired))
      return rest === '' ? `--${paired}` : `--${paired}=${rest.slice(1)}`
    const name = rest !== '' && /^-[a-z]$/i.test(letters) ? byLetter(letters.slice(1)) : undefined
    return name === undefined ? arg : `--${name}=${rest.slice(1)}`
  })
}

/** What stands before the first `=` or `:`, and the rest with it. */
function partsOf(arg: string): readonly [name: string, rest: string] {
  const at = arg.search(/[=:]/)
  return at === -1 ? [arg, ''] : [arg.slice(0, at), arg.slice(at)]
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

/** What tells more of a verb, of a group of them, or of all. */
export function helpCall(verbName: string): string {
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
