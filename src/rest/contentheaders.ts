// The headers that say what a body is, read from requests and written to responses. Whatever stands in them may have been chosen by a stranger.

import types from 'mime-db'
import { utf8 } from '../lib/bytes.ts'
import type { Manifest } from '../protocol/manifest.ts'

/**
 * Types of files. All that the network's nodes take are among them, so that an upload is refused here only where it is there; forms and other
 * things on their way are not, because what they would store is no file.
 */
const KNOWN_TYPES: ReadonlySet<string> = new Set([
  ...Object.keys(types).filter((type) => types[type]?.extensions !== undefined),
  // What else nodes take, what `upload` sends by the ending of a name, and what browsers say.
  ...['text/nim', 'text/nimble', 'image/hsj2', 'audio/flac'],
])

/** As the network's nodes have it. In UTF-8. */
const MAX_FILENAME_BYTES = 259
const DEVICE_NAME = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/i

/** The type as it was sent, for the manifest keeps it so, without its parameters; undefined for none. */
export function typeIn(contentType: string | undefined): string | undefined {
  const type = (contentType ?? '').split(';')[0]?.trim() ?? ''
  return type === '' ? undefined : type
}

export function isKnownType(type: string): boolean {
  return KNOWN_TYPES.has(type.toLowerCase())
}

/** The file name of `attachment; filename="…"`, undefined for none; an empty one is one. */
export function filenameIn(disposition: string | undefined): string | undefined {
  // Bytes of a header are read one by one; names are UTF-8, unless they cannot be.
  const given = disposition ?? ''
  const decoded = Buffer.from(given, 'latin1').toString('utf8')
  const text = decoded.includes('\uFFFD') ? given : decoded
  const quoted = /filename="((?:[^"\\]|\\.)*)"/i.exec(text)?.[1]?.replace(/\\(.)/g, '$1')
  return quoted ?? /filename=([^;"\s]+)/i.exec(text)?.[1]
}

/** A plain name: no path, nothing that a file system or a header takes amiss. As strict as the network's nodes at least. */
export function isFilename(name: string): boolean {
  const [, stem = name] = /^(.+)\.[^.]+$/s.exec(name) ?? []
  if (stem === '' || utf8(name).length > MAX_FILENAME_BYTES) return false
  if (/^ |[ .]$/.test(stem) || DEVICE_NAME.test(stem)) return false
  return !/[/\\:*?"<>|^]|\p{Cc}|\p{Cs}|\uFFFD/u.test(name)
}

/** Of a dataset, or of a block when there is no manifest. A page stored here must not run as one of this server's. */
export function contentHeaders(manifest: Manifest | undefined): Record<string, string> {
  const mimetype = manifest?.mimetype ?? ''
  return {
    'Content-Type': /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w-]+=[\w.+-]+)*$/.test(mimetype)
      ? mimetype
      : 'application/octet-stream',
    ...(manifest && { 'Content-Disposition': attachment(manifest.filename) }),
    'Content-Security-Policy': "sandbox; default-src 'none'",
  }
}

function attachment(filename: string | undefined): string {
  if (filename === undefined) return 'attachment'
  const plain = filename.replace(/[^\x20-\x7e]|["\\]/g, '_')
  const extended =
    plain === filename
      ? ''
      : `; filename*=UTF-8''${encodeURIComponent(filename.replace(/\p{Cs}/gu, '_')).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)}`
  return `attachment; filename="${plain}"${extended}`
}
