// Fields of the documents that a node answers. The node is our own program; this only keeps a document of another release from breaking the page.

export type Fields = Readonly<Record<string, unknown>>

export function fields(value: unknown): Fields {
  return Object(value) as Fields
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

export function amount(value: unknown): bigint {
  const isAmount =
    (typeof value === 'string' && /^\d{1,78}$/.test(value)) || (Number.isInteger(value) && Number(value) >= 0)
  return isAmount ? BigInt(value as string | number) : 0n
}
