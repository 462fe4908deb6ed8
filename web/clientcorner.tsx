// The client's corner: storage bought for a file of this tab, and what became of it.

import { useSignal } from '@preact/signals'

import { CodexError } from '../src/lib/errors.ts'
import { formatBytes, formatCount, formatDuration, parseDuration } from '../src/lib/format.ts'
import { contentBytes } from '../src/protocol/manifest.ts'
import { formatAmount, parseTokens, perByte, perByteSecond, perGib, perGibMonth, plainTokens } from './amounts.ts'
import { BoughtList } from './boughtlist.tsx'
import { explain } from './explain.ts'
import type { Entry } from './pagestate.ts'
import { quote } from '../src/protocol/purchasequote.ts'
import type { SellerPicture, Seller } from './seller.ts'
import type { Session } from './session.ts'

interface Parts {
  readonly session: Session
  readonly seller: Seller
  readonly picture: SellerPicture
}

type Wanted = Parameters<Seller['buy']>[1]

const TOO_FEW =
  'At least one slot may be lost, at most half of them, and there must be a block of the file for each of the others: choose other numbers.'
const PRICE_WEI = 1000n
const COLLATERAL_WEI = 1n

export function ClientCorner({ session, seller, picture }: Parts) {
  const news = useSignal<string | undefined>(undefined)
  const isBusy = useSignal(false)
  const draft = useSignal<FormData | undefined>(undefined)
  const files = session.state.listing.value.entries.filter(
    (entry): entry is Entry => entry.manifest !== undefined && entry.manifest.filename !== undefined,
  )
  const buy = async (form: FormData): Promise<void> => {
    news.value = undefined
    isBusy.value = true
    try {
      const id = await seller.buy(entryIn(form, files), wantedIn(form), (words) => (news.value = words))
      news.value = `Asked for: request ${id.slice(0, 10)}…`
    } catch (error) {
      news.value = explain(error)
    } finally {
      isBusy.value = false
    }
  }
  return (
    <details class="fact" data-testid="client">
      <summary>Buy storage for a file of yours ({formatCount(picture.bought.length, 'purchase')})</summary>
      {files.length === 0 ? (
        <p class="quiet">Drop a file below first.</p>
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
            <select name="file">
              {files.map(({ cid, manifest }) => (
                <option key={String(cid)} value={String(cid)}>
                  {manifest.filename} ({formatBytes(contentBytes(manifest))})
                </option>
              ))}
            </select>
          </label>
          <Field name="duration" words="Keep it for (for example 30d)" value={picture.isDemo ? '5m' : '30d'} />
          <Field name="expiry" words="Give up when it is not placed within" value={picture.isDemo ? '2m' : '1h'} />
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
            {draft.value !== undefined && tellQuote(draft.value, files, picture.view.tokens)}
          </p>
          <button type="submit" disabled={isBusy.value}>
            Buy storage
          </button>
        </form>
      )}
      {news.value !== undefined && <p role="status">{news.value}</p>}
      <BoughtList rows={picture.bought} now={picture.view.time} />
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
function entryIn(form: FormData, files: readonly Entry[]): Entry {
  const entry = files.find(({ cid }) => String(cid) === textOf(form, 'file'))
  if (entry !== undefined) return entry
  throw new CodexError('page/bad-field', 'file: choose one, or drop one below first')
}

/** What it costs on these terms, before anything is sent; or what is wrong with them. */
function tellQuote(form: FormData, files: readonly Entry[], tokens: bigint | undefined): string {
  try {
    const wanted = wantedIn(form)
    const found = quote(entryIn(form, files).manifest, wanted)
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
  }
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}
