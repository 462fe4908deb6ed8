// The form of terms: space, price, collateral. The price is asked for as people compare it and kept as the chain counts it.

import { useSignal } from '@preact/signals'

import { CodexError } from '../src/lib/errors.ts'
import { formatBytes, parseBytes } from '../src/lib/format.ts'
import { formatAmount, parseTokens, perByteSecond, perGibMonth, toTokens } from './amounts.ts'
import { explain } from './explain.ts'
import type { Terms } from './sellplan.ts'

interface Parts {
  /** Shown at first. */
  readonly terms: Terms
  /** Words of the button. */
  readonly act: string
  readonly submit: (terms: Terms) => Promise<void>
}

export function TermsForm({ terms, act, submit }: Parts) {
  const price = useSignal<string | undefined>(undefined)
  const problem = useSignal<string | undefined>(undefined)
  const written = price.value ?? toTokens(perGibMonth(terms.minPricePerBytePerSecond)).replace(/\u202f/g, '')
  const send = async (event: Event): Promise<void> => {
    event.preventDefault()
    problem.value = undefined
    try {
      await submit(readTerms(new FormData(event.currentTarget as HTMLFormElement)))
      price.value = undefined
    } catch (error) {
      problem.value = explain(error)
    }
  }
  return (
    <form class="terms" onSubmit={(event) => void send(event)}>
      <label>
        Space (for example 64 MiB)
        <input name="space" required value={formatBytes(terms.totalSize)} />
      </label>
      <label>
        Price, tokens per GiB and month of 30 days
        <input
          name="price"
          required
          inputMode="decimal"
          value={written}
          onInput={(event) => (price.value = event.currentTarget.value)}
        />
      </label>
      <label>
        Collateral to lock at most, wei
        <input name="collateral" required inputMode="numeric" value={String(terms.totalCollateral)} />
      </label>
      <p class="quiet" role="status" data-testid="terms-said">
        {problem.value ?? tellPrice(written)}
      </p>
      <button type="submit">{act}</button>
    </form>
  )
}

/** @throws CodexError whose sentence names the field */
export function readTerms(form: FormData): Terms {
  const text = (name: string): string => {
    const value = form.get(name)
    return typeof value === 'string' ? value.trim() : ''
  }
  const named = <T,>(name: string, expected: string, read: (found: string) => T, isFit: (value: T) => boolean): T => {
    const found = text(name)
    try {
      const value = read(found)
      if (isFit(value)) return value
    } catch {
      // What it should be is said below, which helps more than what it is not.
    }
    throw new CodexError('page/bad-field', `${expected}, found “${found.slice(0, 40)}”`, { detail: { field: name } })
  }
  return {
    totalSize: named('space', 'space: expected a size above nothing, such as 64 MiB', parseBytes, (bytes) => bytes > 0),
    minPricePerBytePerSecond: named(
      'price',
      'price: expected an amount of tokens above nothing, such as 2.5',
      (found) => perByteSecond(parseTokens(found)),
      (wei) => wei > 0n,
    ),
    totalCollateral: named(
      'collateral',
      'collateral: expected a whole number of wei above nothing',
      (found) => BigInt(/^\d{1,77}$/.test(found) ? found : '0'),
      (wei) => wei > 0n,
    ),
  }
}

function tellPrice(written: string): string {
  try {
    const perSecond = perByteSecond(parseTokens(written))
    return `The chain counts ${formatAmount(perSecond)} per byte and second, which is exactly ${toTokens(perGibMonth(perSecond))} tokens per GiB and month.`
  } catch (error) {
    return explain(error)
  }
}
