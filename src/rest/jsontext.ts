// JSON of documents whose numbers may be larger than JavaScript's: a bigint becomes a JSON number while 63 bits hold it, else its digits in quotes, as the
// reference does.

const MAX_NUMBER = 2n ** 63n - 1n

export type JsonDocument =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly JsonDocument[]
  | { readonly [name: string]: JsonDocument }

/** Undefined fields are left out. Values are the node's own: small, and without circles. */
export function jsonText(value: JsonDocument): string {
  if (typeof value === 'bigint') return value <= MAX_NUMBER ? String(value) : `"${value}"`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (isList(value)) return `[${value.map(jsonText).join(',')}]`
  const fields = Object.entries(value).filter(([, each]) => each !== undefined)
  return `{${fields.map(([name, each]) => `${JSON.stringify(name)}:${jsonText(each)}`).join(',')}}`
}

function isList(value: object): value is readonly JsonDocument[] {
  return Array.isArray(value)
}
