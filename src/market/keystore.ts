// A private key as a Web3 keystore, version 3 with scrypt, and back. Files and databases are the platform's business.

import { computeAddress } from 'ethers/transaction'
import { decryptKeystoreJson, encryptKeystoreJson } from 'ethers/wallet'
import { toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'

/** Random bytes fit for secrets. */
export type SecureRandom = (count: number) => Uint8Array

/** Where one keystore is kept. */
export interface KeystorePlace {
  /** Undefined when there is none. */
  read(): Promise<string | undefined>
  /** Readable by this user alone. @throws CodexError `wallet/exists` when there is one: a key is never written over */
  write(json: string): Promise<void>
}

/** Work that guessing one password takes: 2^17 is what other wallets ask for, about a second. */
export const DEFAULT_SCRYPT_N = 1 << 17
/** More would take a machine's memory before the password is even looked at: 128 bytes × r × N. */
const MAX_SCRYPT_MEMORY_BYTES = 2 ** 31
const MAX_SCRYPT_P = 16
const MAX_PBKDF2_ROUNDS = 10_000_000
const MAX_KEYSTORE_CHARS = 10_000
const SCRYPT_BLOCK_BYTES = 128

/** @param privateKey `0x` and 64 hex digits */
export async function encryptKeystore(
  privateKey: string,
  password: string,
  random: SecureRandom,
  scryptN = DEFAULT_SCRYPT_N,
): Promise<string> {
  const account = { address: computeAddress(privateKey), privateKey }
  const json = await encryptKeystoreJson(account, password, {
    salt: random(32),
    iv: random(16),
    uuid: `0x${toHex(random(16))}`,
    scrypt: { N: scryptN, r: 8, p: 1 },
  })
  // The standard writes this word small, and some wallets insist.
  return json.replace('"Crypto":', '"crypto":')
}

/** @returns the private key @throws CodexError `wallet/bad-keystore`, `wallet/wrong-password` */
export async function decryptKeystore(json: string, password: string): Promise<string> {
  checkCosts(json)
  try {
    return (await decryptKeystoreJson(json, password)).privateKey
  } catch (error) {
    // The cause stays out: it could quote what it was given.
    if (error instanceof Error && error.message.includes('password')) {
      throw new CodexError('wallet/wrong-password', 'the password does not open this keystore; try another')
    }
    throw badKeystore('its fields do not fit together')
  }
}

/** The address that a keystore names; undefined when it names none. Says nothing of whether it is true. */
export function addressInKeystore(json: string): string | undefined {
  const { address } = fieldsOf(json)
  if (typeof address !== 'string' || !/^(0x)?[0-9a-f]{40}$/i.test(address)) return undefined
  return `0x${address.replace(/^0x/i, '').toLowerCase()}`
}

/** A keystore from elsewhere may ask for more work than a machine can do. */
function checkCosts(json: string): void {
  const { version, crypto, Crypto } = fieldsOf(json)
  if (Number(version) !== 3) throw badKeystore('it is not of version 3')
  const { kdf, kdfparams } = Object(crypto ?? Crypto) as { readonly kdf?: unknown; readonly kdfparams?: unknown }
  const { n, r, p, c } = Object(kdfparams) as Readonly<Record<string, unknown>>
  const isFair =
    kdf === 'scrypt'
      ? SCRYPT_BLOCK_BYTES * Number(n) * Number(r) <= MAX_SCRYPT_MEMORY_BYTES && Number(p) <= MAX_SCRYPT_P
      : kdf === 'pbkdf2' && Number(c) <= MAX_PBKDF2_ROUNDS
  if (!isFair)
    throw badKeystore('it asks for another derivation of the key than scrypt or pbkdf2, or for too much work')
}

function fieldsOf(json: string): Readonly<Record<string, unknown>> {
  if (json.length > MAX_KEYSTORE_CHARS) throw badKeystore('it is too long')
  try {
    return Object(JSON.parse(json)) as Readonly<Record<string, unknown>>
  } catch {
    throw badKeystore('it is no JSON')
  }
}

function badKeystore(why: string): CodexError<'wallet/bad-keystore'> {
  return new CodexError('wallet/bad-keystore', `expected a Web3 keystore of version 3: ${why}; check the file`)
}
