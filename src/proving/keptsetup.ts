// Development setups that were made before, kept by what they were made of. How one is made is devsetup.ts' business.

import { sha256 } from '@noble/hashes/sha2.js'

import type { AbortOptions } from '../lib/abort.ts'
import { concatBytes, toHex, utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { ArtefactStore } from './artefactstore.ts'
import type { ArtefactLimits } from './boundartefacts.ts'
import { sourceOfBytes } from './bytesource.ts'
import type { DevSetup } from './devsetup.ts'
import { keepArtefact, openKept } from './fetchartefact.ts'
import { readZkey } from './zkey.ts'
import { zkeyVerificationKey } from './zkeyverificationkey.ts'

/** To be changed with what the setup makes of circuit and seed. */
const VERSION = 'codex-light development setup v1'

export interface KeptSetupRequest {
  readonly r1cs: Uint8Array
  readonly seed: string | Uint8Array
  /** Undefined where nothing can be kept. */
  readonly store: ArtefactStore | undefined
  readonly limits?: ArtefactLimits | undefined
  readonly make: () => Promise<DevSetup>
}

/** The one that was kept, whole as on that day, or a new one, kept where that is possible. @throws what `make` throws, or the signal's reason */
export async function keptSetup(
  { r1cs, seed, store, limits, make }: KeptSetupRequest,
  options: AbortOptions,
): Promise<DevSetup> {
  if (store === undefined) return make()
  const parts = [utf8(VERSION), r1cs, typeof seed === 'string' ? utf8(seed) : seed]
  const name = `${toHex(sha256(concatBytes(...parts.map((part) => sha256(part)))))}.devsetup`
  const kept = await readKept(store, name, options)
  if (kept !== undefined) return kept
  const made = await make()
  try {
    await keepArtefact(store, { name, field: 'zkey', sha256: undefined, limits }, once(made.zkey), options)
  } catch (error) {
    options.signal.throwIfAborted()
    // No room to keep it in is no reason to give it up.
    if (!CodexError.is(error, 'proving/cache-failed')) throw error
  }
  return made
}

async function readKept(store: ArtefactStore, name: string, options: AbortOptions): Promise<DevSetup | undefined> {
  const source = await openKept(store, name, options)
  if (source === undefined) return undefined
  try {
    const zkey = await source.read(0, source.size, options)
    const read = await readZkey(sourceOfBytes(zkey), options)
    return { zkey, verificationKey: await zkeyVerificationKey(read, options) }
  } finally {
    await source.close()
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
