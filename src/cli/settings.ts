// Settings: options that every verb takes, each from its flag, else from the environment, else from the file of --config-file, else its default. Names as
// in nim-codex (marketplace reference §9) where the meaning is the same.

import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { LogLevels } from '../lib/loglevels.ts'
import type { ConfigFile } from './configfile.ts'
import type { Option, RawOptions } from './option.ts'
import { address, amount, binarySize, choice, count, list, origins, port, readNamed, span, text } from './option.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** An option with a default. The defaults of the node's own settings are asked for only when they are to be shown. */
interface Setting<T> extends Option<T> {
  fallback(env: Environment): T | Promise<T>
}

/** Where a value came from. */
export type Source = 'flag' | 'environment' | 'file' | 'default'

export interface Resolved<T> {
  /** What flag, environment or file say, read. */
  readonly given: T | undefined
  readonly source: Source
  /** What was given, else the default. */
  value(): T | Promise<T>
}

/** `colors` and `nocolors` are what other nodes call text. */
export const LOG_FORMATS = ['text', 'json', 'auto', 'none', 'colors', 'nocolors'] as const

export const SETTINGS = {
  'config-file': optional(text('FILE', 'TOML with settings by these names')),
  'data-dir': setting<string>(
    text('FOLDER', 'folder of this node and no other; made when missing', { short: 'd' }),
    (env) => join(xdgDataHome(env), 'codex-light'),
  ),
  'storage-quota': setting(
    binarySize('what blocks and reservations may take together; every unit is binary, 20g and 20GB as 20GiB', {
      short: 'q',
    }),
    async () => (await nodeDefaults()).quotaBytes,
  ),
  'block-ttl': setting(
    span('how long uploaded data is kept; a bare number is seconds', { short: 't' }),
    async () => (await nodeDefaults()).blockTtlSeconds,
  ),
  'block-mi': setting(
    span('time between two looks for expired blocks; a bare number is seconds'),
    async () => (await nodeDefaults()).intervalSeconds,
  ),
  'block-mn': setting(count('blocks looked at each time'), async () => (await nodeDefaults()).blocksPerRun),
  'listen-addrs': setting<readonly string[]>(
    list('MULTIADDR', 'where start listens for peers; may be given several times', { short: 'i' }),
    () => ['/ip4/0.0.0.0/tcp/0'],
  ),
  'bootstrap-node': setting<readonly string[]>(
    list('PEER', 'peer to ask first, /ip4/…/tcp/…/p2p/ID or an spr:… with TCP addresses; may be given several times', {
      short: 'b',
    }),
    () => [],
  ),
  'api-bindaddr': setting(text('ADDRESS', 'where start serves REST'), () => '127.0.0.1'),
  'api-port': setting(port('where start serves REST; 0 for any free one', { short: 'p' }), () => 8080),
  'api-cors-origin': optional(
    origins('pages of these origins may use REST; * for all, and what pages of other sites change wants the token'),
  ),
  'eth-provider': optional(text('URL', 'JSON-RPC endpoint of the chain: http:, https:, ws: or wss:')),
  'marketplace-address': optional(address('contract; the known one of the chain without it')),
  keystore: optional(text('FILE', 'Web3 keystore of the key; keystore.json in the data folder without it')),
  'password-file': optional(text('FILE', 'its first line is the password of the keystore')),
  'reward-recipient': optional(address('gets the rewards; the own address without it')),
  'max-priority-fee-per-gas': optional(
    amount('WEI', 'tip for the makers of blocks where the network suggests none; 1 gwei without it'),
  ),
  'max-gas-price': optional(amount('WEI', 'for a unit of gas, tip included, at most; 500 gwei without it')),
  'max-daily-spend': optional(amount('WEI', 'for gas and coins sent, in 24 hours, at most; 0.1 coin without it')),
  'log-level': setting<string>(
    {
      ...text('LEVELS', 'trace, debug, info, warn, error or off; of topics: info;debug:repostore,datasets'),
      read: (given) => new LogLevels(given).toString(),
    },
    () => new LogLevels().toString(),
  ),
  'log-format': setting(
    choice(LOG_FORMATS, 'how log lines on stderr look; auto: text at a terminal, else JSON lines; none: no lines'),
    () => 'auto' as const,
  ),
}

export type SettingName = keyof typeof SETTINGS
export type Settings = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Option<infer T> ? Resolved<T> : never
}

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

/** What every verb uses. */
export const COMMON_SETTINGS: readonly SettingName[] = ['config-file', 'data-dir', 'log-level', 'log-format']

/** Of verbs that change the store: they look after what expires meanwhile. */
export const STORING_SETTINGS = [
  'storage-quota',
  'block-ttl',
  'block-mi',
  'block-mn',
] as const satisfies readonly SettingName[]

/** Of verbs that ask the chain. */
export const CHAIN_SETTINGS = ['eth-provider', 'marketplace-address'] as const satisfies readonly SettingName[]

/** Of verbs that open the key. */
export const KEYSTORE_SETTINGS = ['keystore', 'password-file'] as const satisfies readonly SettingName[]

/** Of verbs that send. */
export const FEE_SETTINGS = [
  'max-priority-fee-per-gas',
  'max-gas-price',
  'max-daily-spend',
] as const satisfies readonly SettingName[]

/** `data-dir` -> `CODEX_LIGHT_DATA_DIR`. An empty variable counts as none. */
export function environmentName(name: string): string {
  return `CODEX_LIGHT_${name.toUpperCase().replaceAll('-', '_')}`
}

/** What the settings of one call are read from. */
export interface SettingSources {
  readonly raw: RawOptions
  readonly env: Environment
  /** Texts by name, as a flag would give them. */
  readonly file: ConfigFile | undefined
}

/** Of the file to read settings from, if any. */
export function configPath(raw: RawOptions, env: Environment): string | undefined {
  return givenText('config-file', raw['config-file'], { env, file: undefined })?.given
}

/** @throws CodexError as the options read, naming the flag, the variable or the line of the file */
export function readSettings(sources: SettingSources): Settings {
  const entries = SETTING_NAMES.map((name) => [name, resolved<unknown>(name, SETTINGS[name], sources)])
  return Object.fromEntries(entries) as Settings
}

/**
 * The text that is given for an option, and where.
 * @param flagged what stands in argv
 */
export function givenText(
  name: string,
  flagged: string | boolean | undefined,
  { env, file }: Omit<SettingSources, 'raw'>,
): { readonly given: string; readonly source: Source; readonly from: string } | undefined {
  if (typeof flagged === 'string') return { given: flagged, source: 'flag', from: `--${name}` }
  if (flagged === true) return { given: 'true', source: 'flag', from: `--${name}` }
  const variable = environmentName(name)
  const fromEnvironment = env[variable] ?? ''
  if (fromEnvironment !== '') return { given: fromEnvironment, source: 'environment', from: variable }
  const fromFile = file?.values.get(name)
  if (fromFile !== undefined) return { given: fromFile, source: 'file', from: `${file?.path} ${name}` }
  return undefined
}

function resolved<T>(name: string, option: Setting<T>, sources: SettingSources): Resolved<T> {
  const found = givenText(name, sources.raw[name], sources)
  if (found === undefined) return { given: undefined, source: 'default', value: () => option.fallback(sources.env) }
  const value = readNamed(option, found.given, found.from)
  return { given: value, source: found.source, value: () => value }
}

/** The folder to use, absolute. */
export async function dataFolder(settings: Settings): Promise<string> {
  return resolve(await settings['data-dir'].value())
}

function setting<T>(option: Option<T>, fallback: Setting<T>['fallback']): Setting<T> {
  return { ...option, fallback }
}

/** A setting without a default: where it is silent, others decide. */
function optional<T>(option: Option<T>): Setting<T | undefined> {
  return { ...option, fallback: () => undefined, show: (value) => (value === undefined ? '-' : option.show(value)) }
}

/** XDG base directories: a relative path in the variable is to be ignored. */
function xdgDataHome(env: Environment): string {
  const home = env['XDG_DATA_HOME'] ?? ''
  return isAbsolute(home) ? home : join(homedir(), '.local', 'share')
}

async function nodeDefaults() {
  return (await import('../nodejs.ts')).NODE_DEFAULTS
}
