// The mark of keys that are for development only, and where they are let in. Whoever knows such a key's seed, which is no secret,
// can forge proofs; so it must never be trusted where something is at stake.

import type { AbortOptions } from '../lib/abort.ts'
import { utf8 } from '../lib/bytes.ts'
import { numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { LOCAL_CHAINS } from '../protocol/localchains.ts'
import type { ByteSource } from './bytesource.ts'
import type { Section } from './sections.ts'

/** What every such artefact says of itself: verification keys in a field of their own, proving keys in a section. */
export const DEVELOPMENT_MARK = 'codex-light: DEVELOPMENT ONLY, made from a known seed, anybody can forge proofs for it'

/** Of a .zkey; above all numbers in use, so other programs pass over it. */
export const DEVELOPMENT_SECTION = 0xdec0de

const MAX_MARK_BYTES = 1024

/** The section's bytes. */
export function encodeMark(): Uint8Array {
  return utf8(DEVELOPMENT_MARK)
}

/** The text in a development section. Any text at all marks the key: a mark that is damaged is a mark. */
export async function readMark(
  source: ByteSource,
  { offset, length }: Section,
  options: AbortOptions,
): Promise<string> {
  const bytes = await source.read(offset, Math.min(length, MAX_MARK_BYTES), options)
  return new TextDecoder().decode(bytes) || DEVELOPMENT_MARK
}

/**
 * Lets a key in, or not.
 * @param mark of the key, from the zkey or the verification key; undefined for keys of a ceremony
 * @param chainId of the chain that its proofs would go to
 * @throws CodexError `proving/development-key` for a marked key on any chain but a local one
 */
export function allowKeyOnChain(mark: string | undefined, chainId: number | bigint): void {
  // Whatever else it is given for a chain is no local one.
  if (mark === undefined || LOCAL_CHAINS.some((id) => id === chainId || BigInt(id) === chainId)) return
  const found = typeof chainId === 'bigint' ? chainId : numberOrDescription(chainId)
  throw new CodexError(
    'proving/development-key',
    `expected a proving key from a ceremony on chain ${found}, found one for development only; ` +
      'load the circuit files that the network names in its marketplace configuration',
    { detail: { chainId: found, mark, localChains: LOCAL_CHAINS.join(', ') } },
  )
}
