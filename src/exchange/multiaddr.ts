// Network addresses as signed peer records carry them: bytes to text and back. A table of the protocols this network may name; whatever is
// not in it is refused by name. Dialling an address is the transports' business.

import { base58btc } from 'multiformats/bases/base58'
import { base64url } from 'multiformats/bases/base64'
import { concatBytes, equalBytes, utf8 } from '../lib/bytes.ts'
import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { encodeVarint, readVarint } from '../protocol/varint.ts'
import { parseIp4, parseIp6, textOfIp6 } from './ipaddress.ts'

/** Bytes of one address. */
export const MAX_MULTIADDR_BYTES = 512
/** Characters of its text: no byte takes more than two, the names of protocols aside. */
export const MAX_MULTIADDR_CHARS = 2048

interface Protocol {
  readonly code: number
  readonly name: string
  /** Of the value; `length-prefixed` for one of any length, 0 for none. */
  readonly bytes: number | 'length-prefixed'
  /** Undefined where the text says no such value. */
  readonly read?: (text: string) => Uint8Array | undefined
  readonly write?: (bytes: Uint8Array) => string | undefined
}

const port = { bytes: 2, read: readPort, write: (bytes: Uint8Array) => String(numberOf(bytes)) } as const
const name = { bytes: 'length-prefixed', read: readName, write: writeName } as const
const flag = { bytes: 0 } as const

const PROTOCOLS: readonly Protocol[] = [
  { code: 4, name: 'ip4', bytes: 4, read: parseIp4, write: (bytes) => bytes.join('.') },
  { code: 41, name: 'ip6', bytes: 16, read: parseIp6, write: textOfIp6 },
  { code: 6, name: 'tcp', ...port },
  { code: 273, name: 'udp', ...port },
  { code: 53, name: 'dns', ...name },
  { code: 54, name: 'dns4', ...name },
  { code: 55, name: 'dns6', ...name },
  { code: 56, name: 'dnsaddr', ...name },
  { code: 421, name: 'p2p', bytes: 'length-prefixed', read: readBase58, write: (bytes) => base58btc.baseEncode(bytes) },
  { code: 448, name: 'tls', ...flag },
  { code: 449, name: 'sni', ...name },
  { code: 477, name: 'ws', ...flag },
  { code: 478, name: 'wss', ...flag },
  { code: 460, name: 'quic', ...flag },
  { code: 461, name: 'quic-v1', ...flag },
  { code: 465, name: 'webtransport', ...flag },
  { code: 280, name: 'webrtc-direct', ...flag },
  { code: 281, name: 'webrtc', ...flag },
  { code: 466, name: 'certhash', bytes: 'length-prefixed', read: readMultibase, write: (b) => base64url.encode(b) },
  { code: 290, name: 'p2p-circuit', ...flag },
  { code: 481, name: 'http-path', bytes: 'length-prefixed', read: readPath, write: writePath },
]
const BY_CODE = new Map(PROTOCOLS.map((protocol) => [protocol.code, protocol]))
const BY_NAME = new Map(PROTOCOLS.map((protocol) => [protocol.name, protocol]))

/**
 * `/ip4/127.0.0.1/tcp/8070` and the like from its binary form.
 * @throws CodexError `multiaddr/unknown-protocol`, `multiaddr/bad-address`, `multiaddr/truncated`, `multiaddr/not-canonical`
 */
export function decodeMultiaddr(bytes: Uint8Array): string {
  if (bytes.length === 0 || bytes.length > MAX_MULTIADDR_BYTES)
    throw bad(`an address of 1 to ${MAX_MULTIADDR_BYTES} bytes`, `${bytes.length}`)
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const code = readVarint(bytes, at, 'multiaddr')
    const protocol = BY_CODE.get(code.value)
    if (protocol === undefined) throw unknownProtocol(String(code.value))
    const isPrefixed = protocol.bytes === 'length-prefixed'
    const length = isPrefixed ? readVarint(bytes, code.end, 'multiaddr') : { value: protocol.bytes, end: code.end }
    const value = bytes.subarray(length.end, length.end + length.value)
    if (value.length < length.value)
      throw bad(`${length.value} bytes of ${protocol.name}`, `the end after ${value.length}`)
    at = length.end + value.length
    text += `/${protocol.name}`
    if (protocol.bytes === 0) continue
    const shown = protocol.write?.(value)
    if (shown === undefined || !sameBytes(protocol.read?.(shown), value))
      throw bad(`a value of ${protocol.name}`, 'other bytes')
    text += `/${shown}`
  }
  return text
}

/**
 * The binary form of such a text.
 * @throws CodexError `multiaddr/unknown-protocol`, `multiaddr/bad-address`
 */
export function encodeMultiaddr(text: string): Uint8Array {
  if (typeof text !== 'string' || text.length > MAX_MULTIADDR_CHARS || !text.startsWith('/'))
    throw bad('an address such as /ip4/127.0.0.1/tcp/8070', describeValue(text))
  const [, ...words] = text.split('/')
  const parts: Uint8Array[] = []
  for (let at = 0; at < words.length;) {
    const word = words[at++] ?? ''
    const protocol = BY_NAME.get(word)
    if (protocol === undefined) throw unknownProtocol(word)
    parts.push(Uint8Array.from(encodeVarint(protocol.code)))
    if (protocol.bytes === 0) continue
    const value = protocol.read?.(words[at++] ?? '')
    if (value === undefined) throw bad(`a value of ${protocol.name}`, describeValue(words[at - 1]))
    if (protocol.bytes === 'length-prefixed') parts.push(Uint8Array.from(encodeVarint(value.length)))
    parts.push(value)
  }
  const bytes = concatBytes(...parts)
  if (bytes.length <= MAX_MULTIADDR_BYTES) return bytes
  throw bad(`an address of at most ${MAX_MULTIADDR_BYTES} bytes`, `${bytes.length}`)
}

function readPort(text: string): Uint8Array | undefined {
  if (!/^(0|[1-9][0-9]{0,4})$/.test(text) || Number(text) > 0xffff) return undefined
  return Uint8Array.of(Number(text) >> 8, Number(text) & 0xff)
}

function numberOf(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}

/** Host names as they are looked up: nothing that could be taken for another part of an address, of a URL, or of a terminal's line. */
function readName(text: string): Uint8Array | undefined {
  return /^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_])?$/i.test(text) ? utf8(text) : undefined
}

function writeName(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 254))
}

/** A path of a URL: in the text without its first slash and with the others as %2F, since an address is cut at slashes. */
function readPath(text: string): Uint8Array | undefined {
  return /^([\w.~-]|%2F){1,511}$/.test(text) ? utf8(`/${text.replaceAll('%2F', '/')}`) : undefined
}

function writePath(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(1, 512)).replaceAll('/', '%2F')
}

function readBase58(text: string): Uint8Array | undefined {
  return /^[1-9A-HJ-NP-Za-km-z]{1,128}$/.test(text) ? base58btc.baseDecode(text) : undefined
}

function readMultibase(text: string): Uint8Array | undefined {
  try {
    return /^u[A-Za-z0-9_-]{1,512}$/.test(text) ? base64url.decode(text) : undefined
  } catch {
    // Its last character has bits to spare.
    return undefined
  }
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && equalBytes(a, b)
}

function unknownProtocol(found: string): CodexError<'multiaddr/unknown-protocol'> {
  return new CodexError(
    'multiaddr/unknown-protocol',
    `expected one of the protocols ip4, ip6, dns, tcp, udp, p2p, ws and their like, found ${describeValue(found)}`,
    { detail: { found: found.slice(0, 80) } },
  )
}

function bad(expected: string, found: string): CodexError<'multiaddr/bad-address'> {
  return new CodexError('multiaddr/bad-address', `expected ${expected}, found ${found}`, {
    detail: { expected, found },
  })
}
