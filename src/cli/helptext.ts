// The text of --help, made from the same tables that argv is read with.

import { EXIT_CODES_HELP } from './exitcodes.ts'
import type { OptionTable } from './option.ts'
import { COMMON_OPTIONS } from './parsecommand.ts'
import type { Environment, SettingName } from './settings.ts'
import { COMMON_SETTINGS, SETTING_NAMES, SETTINGS, environmentName } from './settings.ts'
import type { Verb } from './verb.ts'
import { VERBS, type VerbEntry } from './verbs.ts'

const SETTINGS_TITLE = 'Settings (flag, else environment, else --config-file, else default)'

export async function helpText(env: Environment): Promise<string> {
  return sections([
    ['', ['codex-light VERB [OPTIONS]: a light node of the Codex storage marketplace']],
    ['Verbs', rows(VERBS.map(({ name, summary }) => [name, summary]))],
    [SETTINGS_TITLE, rows(await settingRows(SETTING_NAMES, env))],
    ['Options', rows(optionRows(COMMON_OPTIONS))],
    ['Units', unitLines()],
    ['Exit codes', rows(EXIT_CODES_HELP.map(([code, meaning]) => [String(code), meaning]))],
    [
      '',
      [
        'codex-light VERB --help, or codex-light help VERB, says more about a verb and the document it prints with --json.',
      ],
    ],
  ])
}

/** Of verbs that begin with the same word. */
export function groupHelpText(group: string, verbs: readonly VerbEntry[]): string {
  return sections([
    ['', [`codex-light ${group} VERB [OPTIONS]`]],
    ['Verbs', rows(verbs.map(({ name, summary }) => [name, summary]))],
    ['', [`codex-light ${group} VERB --help says more about a verb.`]],
  ])
}

export async function verbHelpText({ name, summary }: VerbEntry, verb: Verb, env: Environment): Promise<string> {
  const usage = ['codex-light', name, verb.operands?.text ?? '', '[OPTIONS]'].filter((word) => word !== '').join(' ')
  return sections([
    ['', [`${usage}: ${summary}`, '', ...verb.about.trim().split('\n')]],
    [verb.examples.length === 1 ? 'Example' : 'Examples', verb.examples],
    ['Options', rows([...optionRows(verb.options), ...optionRows(COMMON_OPTIONS)])],
    [SETTINGS_TITLE, await verbSettings(verb, env)],
    ['With --json', verb.document.trim().split('\n')],
    ['Units', unitLines()],
    ['Exit codes', rows(EXIT_CODES_HELP.map(([code, meaning]) => [String(code), meaning]))],
  ])
}

function optionRows(table: OptionTable): [string, string][] {
  return Object.entries(table).map(([name, { takes, short, about, isRequired }]) => [
    spelled(name, takes, short),
    isRequired === true ? `required: ${about}` : about,
  ])
}

/** Those that the verb uses; the others it takes as well, because environment and file are the same for all verbs. */
async function verbSettings({ settings = [] }: Verb, env: Environment): Promise<string[]> {
  const used = SETTING_NAMES.filter((name) => COMMON_SETTINGS.includes(name) || settings.includes(name))
  const others = used.length === SETTING_NAMES.length ? [] : ['codex-light --help lists the settings of other verbs']
  return [...rows(await settingRows(used, env)), ...others]
}

async function settingRows(names: readonly SettingName[], env: Environment): Promise<[string, string][]> {
  const found: [string, string][] = []
  for (const name of names) {
    const { takes, short, about, show, fallback }: ShownSetting = SETTINGS[name]
    const shown = show(await fallback(env))
    found.push([spelled(name, takes, short), `${about} [${environmentName(name)}; ${shown}]`])
  }
  return found
}

interface ShownSetting {
  readonly takes?: string
  readonly short?: string
  readonly about: string
  show(value: unknown): string
  fallback(env: Environment): unknown
}

function spelled(name: string, takes: string | undefined, short: string | undefined): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${takes === undefined ? '' : ` ${takes}`}`
}

function unitLines(): string[] {
  return [
    'SIZE: 20GiB, 64KiB (powers of 1024), 20GB (powers of 1000; of 1024 for --storage-quota), 1048576 (bytes)',
    'DURATION: 30d, 12h, 10m, 45s or 1h30m',
  ]
}

const LEFT_COLUMN_MAX = 34

function rows(pairs: readonly (readonly [left: string, right: string])[]): string[] {
  const width = Math.min(LEFT_COLUMN_MAX, Math.max(0, ...pairs.map(([left]) => left.length)))
  return pairs.flatMap(([left, right]) =>
    left.length > width ? [left, `${' '.repeat(width)}  ${right}`] : [`${left.padEnd(width)}  ${right}`],
  )
}

function sections(parts: readonly (readonly [title: string, lines: readonly string[]])[]): string {
  return parts
    .map(([title, lines]) => (title === '' ? lines : [`${title}:`, ...lines.map((line) => `  ${line}`)]).join('\n'))
    .join('\n\n')
}
