// The terms on which this tab sells: space, price, collateral. The price is asked for as people compare it and kept as the chain counts it.

import { useSignal } from '@preact/signals'

import { formatBytes, parseBytes } from '../src/lib/format.ts'
import { formatAmount, parseTokens, perByteSecond, perGibMonth, toTokens } from './amounts.ts'
import { explain } from './explain.ts'
import type { Availability, Seller, Terms } from './seller.ts'

interface Part {
  readonly seller: Seller
  readonly availability: Availability | undefined
}

export function AvailabilityEditor({ seller, availability }: Part) {
  const price = useSignal<string | undefined>(undefined)
  const problem = useSignal<string | undefined>(undefined)
  const minimum = availability?.minPricePerBytePerSecond ?? 1n
  const written = price.value ?? toTokens(perGibMonth(minimum)).replace(/\u202f/g, '')
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    problem.value = undefined
    try {
      await seller.change(readTerms(new FormData(event.currentTarget as HTMLFormElement)))
      price.value = undefined
    } catch (error) {
      problem.value = explain(error)
    }
  }
  return (
    <details class="fact">
      <summary>
        Terms: {formatBytes(availability?.totalSize ?? 0)} at {formatAmount(perGibMonth(minimum))} per GiB and month at
        least
      </summary>
      <form class="terms" onSubmit={(event) => void submit(event)}>
        <label>
          Space (for example 64 MiB)
          <input name="space" required value={formatBytes(availability?.totalSize ?? 0)} />
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
          <input
            name="collateral"
            required
            inputMode="numeric"
            pattern="[0-9]+"
            value={String(availability?.totalCollateral ?? 0n)}
          />
        </label>
        <p class="quiet" role="status">
          {problem.value ?? tellPrice(written)}
        </p>
        <button type="submit">Sell on these terms</button>
      </form>
    </details>
  )
}

/** @throws CodexError `units/not-a-size`, `page/not-an-amount` */
function readTerms(form: FormData): Terms {
  const text = (name: string): string => {
    const value = form.get(name)
    return typeof value === 'string' ? value.trim() : ''
  }
  return {
    totalSize: parseBytes(text('space')),
    minPricePerBytePerSecond: perByteSecond(parseTokens(text('price'))),
    totalCollateral: BigInt(/^\d{1,77}$/.test(text('collateral')) ? text('collateral') : '0'),
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
