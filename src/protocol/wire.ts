// The protobuf wire format, read strictly and written plainly: fields in, fields out. Knows no message of ours. Strict, because
// what is hashed and named must not have two spellings, and bounded, because nothing in here follows a length beyond the input. What peers say to each
// other is named by nobody: it is read as all readers of protobuf do.

import { checkedBytes, isBytes } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { encodeVarint, readVarint } from './varint.ts'

/** How a message's fields are written, by number: a number, bytes (texts and messages too), or bytes any number of times. */
export type Shape = Readonly<Record<number, 'number' | 'bytes' | 'repeated bytes'>>

/**
 * Of a field that comes twice where it may come once, and of one written as another type: `strict` refuses them; `proto3` takes the last of the
 * first, messages included, and skips the second, as the network's nodes do.
 */
export type Manner = 'strict' | 'proto3'

interface Field {
  number: number
  /** A number of {@link readVarint}, a view of the input, or undefined for the fixed-size types, which nobody here uses. */
  value: number | Uint8Array | undefined
  /** Where the next field begins; before reading, where this one does. */
  end: number
}

const MAX_FIELD_NUMBER = 2 ** 29 - 1

const WIRE_VARINT = 0
const WIRE_FIXED64 = 1
const WIRE_BYTES = 2
const WIRE_FIXED32 = 5

/**
 * The fields of one message, as views of the input. An absent number reads as 0, as protobuf has it. Fields that the shape does not
 * name are skipped, whatever they hold.
 */
export class WireMessage {
  readonly #room: string
  readonly #manner: Manner
  // By field number. Made when first needed: messages have few fields, and peers send a great many messages.
  #values: (number | Uint8Array | undefined)[] | undefined
  #lists: Uint8Array[][] | undefined

  /**
   * @param room prefix of the error codes, the format being read
   * @param maxFields how many fields there may be in all, those that are skipped included: an empty one takes two bytes of input, but far
   * more of memory. Without it the caller bounds the input instead
   * @throws CodexError `<room>/truncated`, `<room>/not-canonical`, `<room>/unknown-wire-type`, `<room>/too-many-fields`; when strict also
   * `<room>/wrong-wire-type`, `<room>/duplicate-field`
   */
  constructor(bytes: Uint8Array, shape: Shape, room: string, maxFields = Infinity, manner: Manner = 'strict') {
    this.#room = room
    this.#manner = manner
    const field: Field = { number: 0, value: undefined, end: 0 }
    for (let fields = 0; field.end < bytes.length;) {
      readField(bytes, room, field)
      if (++fields > maxFields)
        throw new CodexError(`${room}/too-many-fields`, `expected at most ${maxFields} fields, found more`, {
          detail: { limit: maxFields },
        })
      const expected = shape[field.number]
      if (expected !== undefined) this.#take(field, expected)
    }
  }

  /** @throws CodexError `<room>/number-too-large` above 2^53 - 1 */
  number(field: number): number {
    const value = this.#values?.[field] ?? 0
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    throw new CodexError(
      `${this.#room}/number-too-large`,
      `expected field ${field} to be at most 2^53 - 1, found a larger number`,
      {
        detail: { field },
      },
    )
  }

  /** Undefined when absent. */
  bytes(field: number): Uint8Array | undefined {
    const value = this.#values?.[field]
    return typeof value === 'number' ? undefined : value
  }

  list(field: number): readonly Uint8Array[] {
    return this.#lists?.[field] ?? []
  }

  #take({ number, value }: Field, expected: Shape[number]): void {
    if (value === undefined || (expected === 'number') !== (typeof value === 'number')) {
      if (this.#manner === 'proto3') return
      throw new CodexError(
        `${this.#room}/wrong-wire-type`,
        `expected field ${number} to hold ${expected}, found another wire type`,
        {
          detail: { field: number, expected },
        },
      )
    }
    if (typeof value !== 'number' && expected === 'repeated bytes') this.#append(number, value)
    else this.#set(number, value)
  }

  #append(field: number, value: Uint8Array): void {
    this.#lists ??= []
    const list = this.#lists[field]
    if (list === undefined) this.#lists[field] = [value]
    else list.push(value)
  }

  #set(field: number, value: number | Uint8Array): void {
    this.#values ??= []
    if (this.#values[field] !== undefined && this.#manner === 'strict')
      throw new CodexError(`${this.#room}/duplicate-field`, `expected field ${field} at most once, found it again`, {
        detail: { field },
      })
    this.#values[field] = value
  }
}

/**
 * The input as plain bytes when there are no more than `maxBytes`, before anything looks inside.
 * @throws CodexError `<room>/not-bytes`, `<room>/too-long`
 */
export function boundedInput(input: unknown, maxBytes: number, room: string): Uint8Array {
  const bytes = checkedBytes(input, `${room}/not-bytes`, 'the input')
  if (bytes.length <= maxBytes) return bytes
  throw new CodexError(`${room}/too-long`, `expected at most ${maxBytes} bytes, found ${bytes.length}`, {
    detail: { limitBytes: maxBytes, foundBytes: bytes.length },
  })
}

/**
 * How field `number` of a message is written, for formats that are told apart by it. Undefined when absent or of another type.
 * @throws CodexError as {@link WireMessage} does
 */
export function fieldType(bytes: Uint8Array, number: number, room: string): 'number' | 'bytes' | undefined {
  const field: Field = { number: 0, value: undefined, end: 0 }
  while (field.end < bytes.length) {
    readField(bytes, room, field)
    if (field.number !== number) continue
    return typeof field.value === 'number' ? 'number' : field.value && 'bytes'
  }
  return undefined
}

/** Collects fields in the order they are written. */
export class WireWriter {
  readonly #parts: (Uint8Array | readonly number[])[] = []
  #length = 0

  /** `value` is a non-negative safe integer; 0 is written too. */
  number(field: number, value: number): this {
    return this.#add(encodeVarint(field * 8 + WIRE_VARINT)).#add(encodeVarint(value))
  }

  /** Borrows `value` until {@link finish}. */
  bytes(field: number, value: Uint8Array): this {
    return this.#add(encodeVarint(field * 8 + WIRE_BYTES))
      .#add(encodeVarint(value.length))
      .#add(value)
  }

  /** A message as a field, without joining its parts first. Later changes of `inner` do not count. */
  message(field: number, inner: WireWriter): this {
    this.#add(encodeVarint(field * 8 + WIRE_BYTES)).#add(encodeVarint(inner.#length))
    for (const part of inner.#parts) this.#add(part)
    return this
  }

  /** Of all that was written so far. */
  get length(): number {
    return this.#length
  }

  /**
   * What {@link finish} gives, in pieces: byte fields of `borrowFrom` bytes or more as they were given, all between them joined. For those
   * who send large fields on without copying them.
   */
  chunks(borrowFrom: number): Uint8Array[] {
    const chunks: Uint8Array[] = []
    let small = new WireWriter()
    for (const part of this.#parts) {
      if (part.length < borrowFrom || !isBytes(part)) {
        small.#add(part)
        continue
      }
      if (small.#length > 0) chunks.push(small.finish())
      chunks.push(part)
      small = new WireWriter()
    }
    if (small.#length > 0) chunks.push(small.finish())
    return chunks
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  #add(part: Uint8Array | readonly number[]): this {
    this.#parts.push(part)
    this.#length += part.length
    return this
  }
}

/** Reads the field at `field.end` into `field`: one object for all, because they are so many. */
function readField(bytes: Uint8Array, room: string, field: Field): void {
  const at = field.end
  const tag = readVarint(bytes, at, room)
  const number = Math.floor(tag.value / 8)
  if (number < 1 || number > MAX_FIELD_NUMBER)
    throw new CodexError(
      `${room}/bad-field-number`,
      `expected a field number from 1 to 2^29 - 1 at byte ${at}, found ${number}`,
      {
        detail: { at, found: number },
      },
    )
  field.number = number
  const type = tag.value % 8
  if (type === WIRE_VARINT) {
    const { value, end } = readVarint(bytes, tag.end, room)
    field.value = value
    field.end = end
    return
  }
  const isBytes = type === WIRE_BYTES
  const body = isBytes ? readVarint(bytes, tag.end, room) : { value: fixedLength(type, tag.end, room), end: tag.end }
  if (body.value > bytes.length - body.end)
    throw new CodexError(
      `${room}/truncated`,
      `expected ${body.value} bytes of field ${number} at byte ${body.end}, found ${bytes.length - body.end}`,
      { detail: { field: number, expectedBytes: body.value, foundBytes: bytes.length - body.end } },
    )
  field.end = body.end + body.value
  field.value = isBytes ? bytes.subarray(body.end, field.end) : undefined
}

function fixedLength(type: number, at: number, room: string): number {
  if (type === WIRE_FIXED64) return 8
  if (type === WIRE_FIXED32) return 4
  throw new CodexError(
    `${room}/unknown-wire-type`,
    `expected a wire type of 0, 1, 2 or 5 before byte ${at}, found ${type}`,
    {
      detail: { at, found: type },
    },
  )
}
