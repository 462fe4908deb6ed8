// The client's corner: storage bought for a file of this node, and what became of it. Of a tab's own node and of one behind REST alike.

import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

import { CodexError } from '../src/lib/errors.ts'
import { formatBytes, formatCount, formatDuration, parseDuration } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import { parseTokens, perByte, perByteSecond, perGib, perGibMonth, plainTokens } from './amounts.ts'
import { quote } from '../src/protocol/purchasequote.ts'
import { BoughtList } from './boughtlist.tsx'
import type { Corner, OwnFile, Wanted } from './corner.ts'
import { explain } from './explain.ts'

interface Parts {
  readonly corner: Corner
  /** Folded away until somebody opens it. */
  readonly isFolded?: boolean
  /** Why nothing is bought yet, and what to do about it. */
  readonly barrier?: ComponentChildren
}

const TOO_FEW =
  'At least one slot may be lost, at most half of them, and there must be a block of the file for each of the others: choose other numbers.'
const PRICE_WEI = 1000n
const COLLATERAL_WEI = 1n
/** A proof is wanted in one of so many periods, on average: as other clients of the network ask for. */
const PROOF_PROBABILITY = 100n

export function ClientCorner({ corner, isFolded = false, barrier }: Parts) {
  const news = useSignal<string | undefined>(undefined)
  const isBusy = useSignal(false)
  const draft = useSignal<FormData | undefined>(undefined)
  const { files, newest, bought, tokens, isDemo } = corner
  const chosen = useRef<HTMLSelectElement>(null)
  useEffect(() => {
    const { current } = chosen
    if (newest === undefined || current === null) return
    current.value = newest
    if (current.form !== null) draft.value = new FormData(current.form)
  }, [newest, files.length])
  const buy = async (form: FormData): Promise<void> => {
    news.value = undefined
    isBusy.value = true
    try {
      const id = await corner.buy(fileIn(form, files), wantedIn(form), (words) => (news.value = words))
      news.value = `Asked for: request ${id.slice(0, 10)}… Providers fetch the file from here until each slot has one.`
    } catch (error) {
      news.value = explain(error)
    } finally {
      isBusy.value = false
    }
  }
  const content = (
    <>
      {files.length === 0 ? (
        <p class="quiet">Store a file first: drop it on this page.</p>
      ) : (
        <form
          class="terms"
          ref={(form) => {
            if (form !== null && draft.peek() === undefined) draft.value = new FormData(form)
          }}
          onInput={(event) => (draft.value = new FormData(event.currentTarget))}
          onSubmit={(event) => {
            event.preventDefault()
            void buy(new FormData(event.currentTarget))
          }}
        >
          <label>
            File
            <select name="file" ref={chosen}>
              {files.map(({ cid, name, manifest }) => (
                <option key={cid} value={cid}>
                  {name} ({formatBytes(manifest.datasetSize)})
                </option>
              ))}
            </select>
          </label>
          <Field name="duration" words="Keep it for (for example 30d)" value={isDemo ? '5m' : '30d'} />
          <Field name="expiry" words="Give up when it is not placed within" value={isDemo ? '2m' : '1h'} />
          <Field
            name="price"
            words="Price, tokens per GiB and month of 30 days"
            value={plainTokens(perGibMonth(PRICE_WEI))}
          />
          <Field
            name="collateral"
            words="Collateral that providers lock, tokens per GiB"
            value={plainTokens(perGib(COLLATERAL_WEI))}
          />
          <Field name="nodes" words="Slots, each with one provider" value="3" />
          <Field name="tolerance" words="Of them, how many may be lost" value="1" />
          <p class="quiet" role="status" data-testid="quote">
            {draft.value !== undefined && tellQuote(draft.value, files, tokens)}
          </p>
          {barrier}
          <button type="submit" disabled={isBusy.value || barrier !== undefined}>
            Buy storage
          </button>
        </form>
      )}
      {news.value !== undefined && <p role="status">{news.value}</p>}
      <BoughtList rows={bought} now={corner.time} />
    </>
  )
  if (!isFolded) return <div data-testid="client">{content}</div>
  return (
    <details class="fact" data-testid="client">
      <summary>Buy storage for a file of yours ({formatCount(bought.length, 'purchase')})</summary>
      {content}
    </details>
  )
}

function Field({ name, words, value }: { readonly name: string; readonly words: string; readonly value: string }) {
  return (
    <label>
      {words}
      <input name={name} required defaultValue={value} />
    </label>
  )
}

/** @throws CodexError whose sentence names the field */
function fileIn(form: FormData, files: readonly OwnFile[]): OwnFile {
  const file = files.find(({ cid }) => cid === textOf(form, 'file'))
  if (file !== undefined) return file
  throw new CodexError('page/bad-field', 'file: choose one, or drop one on this page first')
}

/** What it costs on these terms, before anything is sent; or what is wrong with them. */
function tellQuote(form: FormData, files: readonly OwnFile[], tokens: bigint | undefined): string {
  try {
    const wanted = wantedIn(form)
    const found = quote(fileIn(form, files).manifest, wanted)
    if (found === undefined) return TOO_FEW
    const { slots, slotBytes, price, collateral } = found
    const rate = `${formatAmount(wanted.pricePerBytePerSecond)} per byte and second`
    const has = tokens === undefined ? '' : ` The key has ${formatAmount(tokens)}${tokens < price ? ': too few' : ''}.`
    return `${formatCount(slots, 'slot')} of ${formatBytes(slotBytes)} for ${formatDuration(wanted.duration)} cost ${formatAmount(price)} in all, at ${rate}; providers lock ${formatAmount(collateral)} for them.${has}`
  } catch (error) {
    return explain(error)
  }
}

/** @throws CodexError whose sentence names the field */
function wantedIn(form: FormData): Wanted {
  const named = <T,>(name: string, read: (text: string) => T): T => {
    try {
      return read(textOf(form, name))
    } catch (error) {
      throw new CodexError(
        'page/bad-field',
        `${name}: ${error instanceof Error ? error.message : 'expected another value'}`,
        {
          cause: error,
        },
      )
    }
  }
  const count = (text: string): number => {
    if (/^\d{1,3}$/.test(text)) return Number(text)
    throw new CodexError('page/bad-field', 'expected a whole number')
  }
  return {
    duration: named('duration', parseDuration),
    expiry: named('expiry', parseDuration),
    pricePerBytePerSecond: named('price', (text) => perByteSecond(parseTokens(text))),
    collateralPerByte: named('collateral', (text) => perByte(parseTokens(text))),
    nodes: named('nodes', count),
    tolerance: named('tolerance', count),
    proofProbability: PROOF_PROBABILITY,
  }
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}
