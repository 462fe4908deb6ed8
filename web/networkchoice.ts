// Where this browser sells, as its person wrote it down: endpoint, contract, bridge, circuit. Kept in the browser without the key; read with care, because people type.

import { CodexError } from '../src/lib/errors.ts'
import { hasWrongChecksum } from '../src/protocol/addresschecksum.ts'
import type { CircuitFiles } from './circuitbeside.ts'

export interface NetworkChoice {
  readonly ethProvider: string
  /** Empty: the known one of the chain. */
  readonly marketplace: string
  /** Multiaddrs over WebSocket. */
  readonly bridges: readonly string[]
  /** Address of a folder with `circuit.wasm` and `circuit.zkey`, and perhaps their hashes in `sha256.json`; empty for who only buys. */
  readonly circuit: string
  /** Empty: the node key. */
  readonly rewardRecipient: string
  /** Hex; of the circuit that was sold with last, where hashes lay beside it. */
  readonly sha256?: CircuitHashes | undefined
}

type CircuitHashes = NonNullable<CircuitFiles['sha256']>

/** What a network is chosen for: who buys there may sell elsewhere. */
export type Use = 'sells' | 'buys'

const KEPT = { sells: 'codex-light/network', buys: 'codex-light/network-to-buy' } as const
const MAX_TEXT = 2000
/** A host that has not told the hashes by then is as good as down. */
const HASHES_MS = 10_000

export function keepChoice(choice: NetworkChoice, use: Use = 'sells'): void {
  localStorage.setItem(KEPT[use], JSON.stringify(choice))
}

/** Undefined where none is kept, or none that can be read. */
export function keptChoice(use: Use = 'sells'): NetworkChoice | undefined {
  try {
    const found = Object(JSON.parse(localStorage.getItem(KEPT[use]) ?? 'null')) as Record<string, unknown>
    const { bridges } = found
    const text = (name: string): string => (typeof found[name] === 'string' ? found[name] : '')
    const written = {
      ethProvider: text('ethProvider'),
      marketplace: text('marketplace'),
      bridges: Array.isArray(bridges) ? bridges.filter((each) => typeof each === 'string').join('\n') : '',
      circuit: text('circuit'),
      rewardRecipient: text('rewardRecipient'),
    }
    return { ...checkedChoice(written, use), sha256: hashesIn(found['sha256']) }
  } catch {
    return undefined
  }
}

export type Written = Omit<NetworkChoice, 'bridges' | 'sha256'> & { readonly bridges: string }

/** @throws CodexError `page/bad-field` whose sentence names the field */
export function checkedChoice(written: Written, use: Use = 'sells'): NetworkChoice {
  const text = (field: keyof Written): string => written[field].trim().slice(0, MAX_TEXT)
  const url = (field: keyof Written, what: string, protocols: readonly string[]): string => {
    const found = URL.canParse(text(field)) ? new URL(text(field)) : undefined
    if (found !== undefined && protocols.includes(found.protocol)) return found.href
    throw badField(what, `an address that begins with ${protocols.map((each) => `${each}//`).join(' or ')}`)
  }
  const address = (field: keyof Written, what: string): string => {
    const found = text(field)
    if (found !== '' && !/^0x[0-9a-f]{40}$/i.test(found))
      throw badField(what, 'an address of 0x and 40 hex digits, or nothing')
    if (hasWrongChecksum(found))
      throw badField(what, `an address with a right checksum: ${found} was mistyped somewhere`)
    return found.toLowerCase()
  }
  const bridges = text('bridges')
    .split(/\s+/)
    .filter((each) => each !== '')
  const isBridge = (each: string): boolean =>
    /^(\/\S+\/(ws|wss)(\/http-path\/[\w.~-]+)?\/p2p\/\w+|spr:[\w-]+)$/.test(each)
  if (bridges.length === 0 || !bridges.every(isBridge))
    throw badField(
      'Bridge',
      'a multiaddr that ends in /ws/p2p/… or /wss/p2p/…, as `codex-light start --bridge` prints it',
    )
  return {
    ethProvider: url('ethProvider', 'Endpoint', ['https:', 'wss:', 'http:', 'ws:']),
    marketplace: address('marketplace', 'Marketplace'),
    bridges,
    circuit: use === 'buys' ? '' : url('circuit', 'Circuit', ['https:', 'http:']).replace(/\/?$/, '/'),
    rewardRecipient: address('rewardRecipient', 'Rewards'),
  }
}

/**
 * The circuit in a folder on the network. Where hashes lie beside it, its files are kept for the next time; a host that is down keeps nobody from using those.
 * @param known the hashes of the last time, for when they cannot be had now; a host that says there are none has the last word
 * @throws the signal's reason
 */
export async function circuitAt(folder: string, signal: AbortSignal, known?: CircuitHashes): Promise<CircuitFiles> {
  const files = { wasm: new URL('circuit.wasm', folder), zkey: new URL('circuit.zkey', folder) }
  const sha256 = await hashesBeside(folder, signal, known)
  return sha256 === undefined ? files : { ...files, sha256 }
}

async function hashesBeside(
  folder: string,
  signal: AbortSignal,
  known: CircuitHashes | undefined,
): Promise<CircuitHashes | undefined> {
  try {
    const either = AbortSignal.any([signal, AbortSignal.timeout(HASHES_MS)])
    const response = await fetch(new URL('sha256.json', folder), { signal: either })
    if (response.status === 404 || response.status === 410) return undefined
    return response.ok ? hashesIn(await response.json()) : known
  } catch {
    signal.throwIfAborted()
    // No hashes is no fault; whether the files can be had is found out when they are loaded.
    return known
  }
}

function hashesIn(found: unknown): CircuitHashes | undefined {
  const { wasm, zkey } = Object(found) as Record<string, unknown>
  const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)
  return isHash(wasm) && isHash(zkey) ? { wasm, zkey } : undefined
}

function badField(what: string, expected: string): CodexError<'page/bad-field'> {
  return new CodexError('page/bad-field', `${what}: expected ${expected}`, { detail: { field: what } })
}
