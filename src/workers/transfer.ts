// Moves buffers across the worker edge instead of copying them. Only for buffers of our own: whoever lent bytes never finds them detached.

import { transfer as mark } from 'comlink'

const LISTS = new WeakMap<object, readonly Transferable[]>()

/**
 * Marks `value`, a whole argument or a whole result, so that `buffers` inside it move with it: they are detached here once it is
 * sent. `value` must be an object or array made for this one call.
 */
export function transfer<Value extends object>(value: Value, buffers: readonly Transferable[]): Value {
  LISTS.set(value, buffers)
  return mark(value, [...buffers])
}

/** The buffers that {@link transfer} marked on `value`; none for anything else. */
export function transferListOf(value: unknown): readonly Transferable[] {
  return (typeof value === 'object' && value !== null ? LISTS.get(value) : undefined) ?? []
}
