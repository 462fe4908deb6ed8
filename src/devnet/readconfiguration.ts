// Reads a marketplace configuration that a person wrote: JSON of the contract's shape, of which any part may be left out.

import { CodexError } from '../lib/errors.ts'
import { DEFAULT_CONFIGURATION, type MarketplaceConfiguration } from './configuration.ts'

const MAX_UINT8 = 255
/** Ten million years in seconds, and exact as a number. */
const MAX_SECONDS = 2 ** 48

/** Members that hold more than fits eight bits. */
const SECONDS_MEMBERS = ['period', 'timeout', 'requestDurationLimit']

/**
 * Whatever `given` leaves out is as in `base`. Whether the values go together is for the contract's constructor to say.
 * @throws CodexError `devnet/bad-configuration` naming the member that is unknown, of the wrong type or out of range
 */
export function readConfiguration(
  given: unknown,
  base: MarketplaceConfiguration = DEFAULT_CONFIGURATION,
): MarketplaceConfiguration {
  return merged(base, given, '') as unknown as MarketplaceConfiguration
}

type Node = { readonly [name: string]: Node } | number | string

function merged(base: object, given: unknown, path: string): Node {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw bad(path, 'an object', given)
  const known = Object.entries(base) as [string, Node][]
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(base, name)) throw bad(join(path, name), `one of ${known.map(([key]) => key).join(', ')}`, name)
  }
  const result = known.map(([name, value]): [string, Node] => {
    const found = (given as Record<string, unknown>)[name]
    return [name, found === undefined ? value : member(value, found, join(path, name))]
  })
  return Object.fromEntries(result)
}

function member(base: Node, found: unknown, path: string): Node {
  if (typeof base === 'object') return merged(base, found, path)
  if (typeof base === 'string') {
    if (typeof found !== 'string') throw bad(path, 'a text', found)
    return found
  }
  const max = SECONDS_MEMBERS.includes(path.split('.').at(-1) ?? '') ? MAX_SECONDS : MAX_UINT8
  if (typeof found !== 'number' || !Number.isInteger(found) || found < 0 || found > max) {
    throw bad(path, `a whole number from 0 to ${max}`, found)
  }
  return found
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function bad(path: string, expected: string, value: unknown): CodexError<'devnet/bad-configuration'> {
  const found = (JSON.stringify(value) ?? String(value)).slice(0, 80)
  const message = `expected ${expected} as ${path === '' ? 'configuration' : path}, found ${found}`
  return new CodexError('devnet/bad-configuration', message, { detail: { path, found } })
}
