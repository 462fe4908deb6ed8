// A name from a manifest made safe to write to: whoever wrote the manifest chose it, and must not choose where on our disk it lands.

/** Leaves room for endings within the 255 bytes that most file systems take. */
const MAX_BYTES = 200

/** A base name without separators, control or format characters and leading dots; undefined when nothing is left. */
export function safeFilename(name: string): string | undefined {
  const base = name.split(/[/\\]/).at(-1) ?? ''
  // Also what Windows refuses in names.
  const plain = base.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"|?*]/gu, '_').trim()
  // Cut first: of a long name the search for its end would take long.
  const cut = cutToBytes(plain.replace(/^\.+/, '')).replace(/[. ]+$/, '')
  return cut === '' ? undefined : cut
}

function cutToBytes(text: string): string {
  let bytes = 0
  let kept = ''
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > MAX_BYTES) break
    kept += character
  }
  return kept
}
