// The options of start beyond the settings of every verb. Names as in nim-codex (marketplace reference §9) where the meaning is the same.

import { CodexError } from '../lib/errors.ts'
import { NETWORK_CIRCUITS } from './networkcircuits.ts'
import { CHAIN_OPTIONS, KEY_OPTIONS } from './chainsettings.ts'
import {
  badValue,
  between,
  count,
  flag,
  list,
  type Option,
  type OptionValues,
  port,
  size,
  text,
  wholeNumber,
} from './option.ts'
import { FEE_SETTINGS, KEYSTORE_SETTINGS, type SettingName, type Settings } from './settings.ts'

/** Of validators. */
const MAX_GROUPS = 65_535

const REST_OPTIONS = {
  'api-token': text(
    'TOKEN',
    'what REST wants to be told (Bearer, or Basic as password); made anew at each start without it. Others of this machine see it here: rather use --api-token-file',
  ),
  'api-token-file': text('FILE', 'its first line is that token; others may not read it'),
  'api-host': list(
    'NAME',
    'a name that REST and metrics are asked under besides their address, as of a proxy before them; then every request wants the token',
  ),
  metrics: flag('serve numbers for Prometheus beside those of REST; beyond loopback they want the token'),
  'metrics-address': text('ADDRESS', 'where metrics are served; 127.0.0.1 without it'),
  'metrics-port': port('where metrics are served; 8008 without it'),
}

const BRIDGE_OPTIONS = {
  bridge: flag('let tabs in over WebSocket and get blocks for them from peers'),
  'bridge-origin': list(
    'ORIGIN',
    'pages of this origin may use the bridge; those of this machine always may; * for all',
  ),
  'bridge-token-file': text('FILE', 'its first line is what tabs must know to come in'),
  'bridge-cache': size('what the bridge keeps for the next tab, at least 32 MiB; 1 GiB without it'),
  'bridge-proxy': list('ADDRESS', 'IP address of a proxy before the bridge, believed in its X-Forwarded-For'),
  'bridge-max-tabs': count('tabs at once; 64 without it'),
}

const MARKET_OPTIONS = {
  ...CHAIN_OPTIONS,
  ...KEY_OPTIONS,
  confirmations: count('blocks until a transaction counts as done; 1 without it'),
  'max-workers': count('slots that are looked at and downloaded at once; 3 without it'),
  'queue-size': count('slots that wait to be looked at; 128 without it'),
  validator: flag('mark proofs that others missed'),
  'validator-max-slots': wholeNumber('COUNT', 'slots a validator watches, 0 for all; 1000 without it'),
  'validator-groups': between('COUNT', 'validators that share the slots, 2 to 65535', 2, MAX_GROUPS),
  'validator-group-index': between('INDEX', 'which of them this one is; 0 without it', 0, MAX_GROUPS - 1),
  'simulate-proof-failures': wholeNumber(
    'N',
    'send zeros in the place of one of N proofs, on local chains only: for tests',
  ),
}

const PROVING_OPTIONS = {
  circuit: text(
    'FOLDER|ARCHIVE|URL',
    `circuit files to prove with: a folder, a .zip or .tar.gz, or where to get one; a URL that ends in / gets the hash that the chain names, as ${NETWORK_CIRCUITS} does`,
  ),
  'circuit-dir': text('FOLDER', 'folder of circuit files; circuits in the data folder without it, if that is there'),
  'circom-wasm': text('FILE', 'witness module, in place of the one in the folder'),
  'circom-zkey': text('FILE', 'proving key, in place of the one in the folder'),
  'num-threads': threads('threads that prove, from 2 on, more than 8 being 8; 0 for as many as there are cores'),
  'proof-samples': count('of the circuit; 5 without it'),
  'max-slot-depth': count('of the circuit; 32 without it'),
  'max-dataset-depth': count('of the circuit; 8 without it'),
}

export const START_OPTIONS = { ...REST_OPTIONS, ...BRIDGE_OPTIONS, ...MARKET_OPTIONS, ...PROVING_OPTIONS }

/** Options that do nothing without another one. */
const PARTNERS = {
  validator: ['validator-max-slots', 'validator-groups'],
  'validator-groups': ['validator-group-index'],
  metrics: ['metrics-address', 'metrics-port'],
  bridge: ['bridge-origin', 'bridge-token-file', 'bridge-cache', 'bridge-proxy', 'bridge-max-tabs'],
} as const satisfies Partial<Record<keyof typeof START_OPTIONS, readonly (keyof typeof START_OPTIONS)[]>>

/** Settings that are of use in the marketplace only. */
const MARKET_SETTINGS: readonly SettingName[] = [
  'marketplace-address',
  ...KEYSTORE_SETTINGS,
  'reward-recipient',
  ...FEE_SETTINGS,
]

/** A sentence for each option that was given and does nothing, because what it belongs to is not wanted. */
export function idleOptions(
  options: OptionValues<typeof START_OPTIONS>,
  isTrading: boolean,
  settings: Settings,
): string[] {
  const idle = withoutPartner(options)
  if (isTrading) return idle
  const names = [...Object.keys(MARKET_OPTIONS), ...Object.keys(PROVING_OPTIONS)] as (keyof typeof options)[]
  const given = [
    ...MARKET_SETTINGS.filter((name) => settings[name].given !== undefined),
    // Those of a validator want it first.
    ...names.filter((name) => options[name] !== undefined && !name.startsWith('validator')),
  ]
  return [...idle, ...given.map((name) => `--${name} does nothing without --eth-provider`)]
}

function withoutPartner(options: OptionValues<typeof START_OPTIONS>): string[] {
  return Object.entries(PARTNERS).flatMap(([partner, names]) =>
    [undefined, false].every((absent) => options[partner as keyof typeof PARTNERS] !== absent)
      ? []
      : names
          .filter((name) => options[name] !== undefined)
          .map((name) => `--${name} does nothing without --${partner}`),
  )
}

/** As elsewhere: one thread is none that anything is given to. */
function threads(about: string): Option<number> {
  const any = wholeNumber('COUNT', about)
  return {
    ...any,
    read(given) {
      const value = any.read(given)
      if (value === 1) throw badValue('0 for all cores, or a whole number from 2 on', given)
      return value
    },
  }
}

export interface StartWords {
  /** Take part in the marketplace. */
  readonly persistence: boolean
  /** Sell, and prove. */
  readonly prover: boolean
}

/** Words that stand behind `start` as elsewhere. @throws CodexError `cli/bad-operands` */
export function startWords(operands: readonly string[]): StartWords {
  const unknown = operands.find((word) => word !== 'persistence' && word !== 'prover')
  if (unknown !== undefined)
    throw new CodexError(
      'cli/bad-operands',
      `start expects options, and persistence and prover as words, found ${JSON.stringify(unknown)}`,
    )
  const prover = operands.includes('prover')
  return { persistence: prover || operands.includes('persistence'), prover }
}
