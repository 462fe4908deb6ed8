// IP addresses, text and bytes. The text of version 6 is that of RFC 5952: lower case, the longest run of zeros left out.

/** Four numbers with dots; undefined for anything else, such as leading zeros, which some read as octal. */
export function parseIp4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256))
    return undefined
  return Uint8Array.from(parts, Number)
}

/** Without a zone; an embedded version 4 address must be written in hex. */
export function parseIp6(text: string): Uint8Array | undefined {
  if (text.length > 39 || !/^[0-9a-f:]+$/i.test(text)) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const groups = head.length + tail.length
  if (halves.length === 1 ? groups !== 8 : groups > 7) return undefined
  if (![...head, ...tail].every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const all = [...head, ...new Array<string>(8 - groups).fill('0'), ...tail].map((group) => Number.parseInt(group, 16))
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

export function textOfIp6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0))
  let [longest, length] = [0, 0]
  for (let from = 0; from < 8; from++) {
    let to = from
    while (groups[to] === 0) to++
    if (to - from > length) [longest, length] = [from, to - from]
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (length < 2) return text(groups)
  return `${text(groups.slice(0, longest))}::${text(groups.slice(longest + length))}`
}
