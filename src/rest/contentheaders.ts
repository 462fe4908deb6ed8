// The headers that say what a body is, read from requests and written to responses. Whatever stands in them may have been chosen by a stranger.

import { mimes } from 'mrmime'
import { utf8 } from '../lib/bytes.ts'
import { MAX_FILENAME_BYTES } from '../protocol/checkmanifest.ts'
import type { Manifest } from '../protocol/manifest.ts'

const KNOWN_TYPES: ReadonlySet<string> = new Set([...Object.values(mimes), 'application/octet-stream'])

/** The type without its parameters; undefined for none. */
export function typeIn(contentType: string | undefined): string | undefined {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  return type === '' ? undefined : type
}

export function isKnownType(type: string): boolean {
  return KNOWN_TYPES.has(type)
}

/** The file name of `attachment; filename="…"`, undefined for none. */
export function filenameIn(disposition: string | undefined): string | undefined {
  // Bytes of a header are read one by one; names are UTF-8, unless they cannot be.
  const given = disposition ?? ''
  const decoded = Buffer.from(given, 'latin1').toString('utf8')
  const text = decoded.includes('\uFFFD') ? given : decoded
  const quoted = /filename="((?:[^"\\]|\\.)*)"/i.exec(text)?.[1]?.replace(/\\(.)/g, '$1')
  const found = quoted ?? /filename=([^;"\s]+)/i.exec(text)?.[1]
  return found === '' ? undefined : found
}

/** A plain name: no path, nothing that a file system or a header takes amiss. */
export function isFilename(name: string): boolean {
  if (name === '.' || name === '..' || utf8(name).length > MAX_FILENAME_BYTES) return false
  return !/[/\\:*?"<>|]|\p{Cc}|\p{Cs}|\uFFFD/u.test(name)
}

/** Of a dataset, or of a block when there is no manifest. A page stored here must not run as one of this server's. */
export function contentHeaders(manifest: Manifest | undefined): Record<string, string> {
  const mimetype = manifest?.mimetype ?? ''
  return {
    'Content-Type': /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w-]+=[\w.+-]+)*$/.test(mimetype)
      ? mimetype
      : 'application/octet-stream',
    ...(manifest?.filename === undefined ? {} : { 'Content-Disposition': attachment(manifest.filename) }),
    'Content-Security-Policy': "sandbox; default-src 'none'",
  }
}

function attachment(filename: string): string {
  const plain = filename.replace(/[^\x20-\x7e]|["\\]/g, '_')
  const extended =
    plain === filename
      ? ''
      : `; filename*=UTF-8''${encodeURIComponent(filename.replace(/\p{Cs}/gu, '_')).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)}`
  return `attachment; filename="${plain}"${extended}`
}
