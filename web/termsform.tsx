// The form of terms: space, price, collateral, time. Amounts are asked for as people compare them and kept as the chain counts them; the form says both.

import { useSignal } from '@preact/signals'

import { CodexError } from '../src/lib/errors.ts'
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../src/lib/format.ts'
import { formatAmount, formatWei, toTokens } from '../src/lib/formatamount.ts'
import { type Bytes, KiB, MiB } from '../src/lib/units.ts'
import { parseTokens, perByteSecond, perGibMonth, plainTokens } from './amounts.ts'
import { explain } from './explain.ts'
import type { Terms } from './sellplan.ts'

interface Parts {
  /** Shown at first, and for as long as nobody types. */
  readonly terms: Terms
  /** Words of the button. */
  readonly act: string
  /** Settles with what came of it, if that needs saying; rejects with why not. */
  readonly submit: (terms: Terms) => Promise<string | undefined>
}

const FIELDS = {
  space: 'Space (for example 64 MiB)',
  price: 'Price at least, tokens per GiB and month of 30 days',
  collateral: 'Collateral to lock at most, tokens',
  duration: 'Keep a slot at most for (for example 30d)',
} as const

type Written = Readonly<Record<keyof typeof FIELDS, string>>

export function TermsForm({ terms, act, submit }: Parts) {
  // What is shown around the form changes each second, which must not take away what somebody is typing.
  const typed = useSignal<Partial<Written>>({})
  const said = useSignal<string | undefined>(undefined)
  const isBusy = useSignal(false)
  const written = (): Written => ({ ...writtenOf(terms), ...typed.value })
  const send = async (event: Event): Promise<void> => {
    event.preventDefault()
    said.value = undefined
    isBusy.value = true
    try {
      said.value = await submit(readTerms(written()))
      typed.value = {}
    } catch (error) {
      said.value = explain(error)
    } finally {
      isBusy.value = false
    }
  }
  return (
    <form class="terms" onSubmit={(event) => void send(event)}>
      {(Object.keys(FIELDS) as (keyof Written)[]).map((name) => (
        <label key={name}>
          {FIELDS[name]}
          <input
            name={name}
            required
            autocomplete="off"
            inputMode={name === 'price' || name === 'collateral' ? 'decimal' : 'text'}
            value={written()[name]}
            onInput={(event) => {
              said.value = undefined
              typed.value = { ...typed.value, [name]: event.currentTarget.value }
            }}
          />
        </label>
      ))}
      <p class="quiet" role="status" data-testid="terms-said">
        {said.value ?? tellAmounts(written())}
      </p>
      <button type="submit" disabled={isBusy.value}>
        {act}
      </button>
    </form>
  )
}

/** As a person could have typed it: read back, it is the same to the last digit. */
function writtenOf({ totalSize, minPricePerBytePerSecond, totalCollateral, duration }: Terms): Written {
  return {
    space: exactBytes(totalSize),
    price: plainTokens(perGibMonth(minPricePerBytePerSecond)),
    collateral: plainTokens(totalCollateral),
    duration: formatDuration(duration),
  }
}

function exactBytes(bytes: Bytes): string {
  const rounded = formatBytes(bytes)
  if (parseBytes(rounded) === bytes) return rounded
  if (bytes % MiB === 0) return `${bytes / MiB} MiB`
  return bytes % KiB === 0 ? `${bytes / KiB} KiB` : String(bytes)
}

/** @throws CodexError whose sentence names the field */
export function readTerms(written: Written): Terms {
  const named = <T,>(
    name: keyof Written,
    expected: string,
    read: (found: string) => T,
    isFit: (value: T) => boolean,
  ) => {
    const found = written[name].trim()
    try {
      const value = read(found)
      if (isFit(value)) return value
    } catch {
      // What it should be is said below, which helps more than what it is not.
    }
    throw new CodexError('page/bad-field', `${name}: expected ${expected}, found “${found.slice(0, 40)}”`, {
      detail: { field: name },
    })
  }
  const isSome = (wei: bigint): boolean => wei > 0n
  return {
    totalSize: named('space', 'a size above nothing, such as 64 MiB', parseBytes, (bytes) => bytes > 0),
    minPricePerBytePerSecond: named(
      'price',
      'an amount of tokens above nothing, such as 2.5',
      (found) => perByteSecond(parseTokens(found)),
      isSome,
    ),
    totalCollateral: named('collateral', 'an amount of tokens above nothing, such as 2.5', parseTokens, isSome),
    duration: named('duration', 'a time above nothing, such as 30d', parseDuration, (seconds) => seconds > 0),
  }
}

function tellAmounts({ price, collateral }: Written): string {
  try {
    const perSecond = perByteSecond(parseTokens(price))
    const wei = parseTokens(collateral)
    return `The chain counts ${formatAmount(perSecond)} per byte and second, which is exactly ${toTokens(perGibMonth(perSecond))} tokens per GiB and month; and ${formatWei(wei)} of collateral.`
  } catch (error) {
    return explain(error)
  }
}
