// The client's corner: storage bought for a file of this tab, and what became of it.

import { useSignal } from '@preact/signals'

import { CodexError } from '../src/lib/errors.ts'
import { formatBytes, formatCount, formatDuration, parseDuration } from '../src/lib/format.ts'
import { contentBytes } from '../src/protocol/manifest.ts'
import { formatAmount, parseTokens, perByteSecond, perGibMonth, toTokens } from './amounts.ts'
import { explain } from './explain.ts'
import type { Entry } from './pagestate.ts'
import type { BoughtRow } from './purchasewatch.ts'
import type { SellerPicture, Seller } from './seller.ts'
import type { Session } from './session.ts'

interface Parts {
  readonly session: Session
  readonly seller: Seller
  readonly picture: SellerPicture
}

type Wanted = Parameters<Seller['buy']>[1]

const PRICE_WEI = 1000n
const COLLATERAL_WEI = 1n

export function ClientCorner({ session, seller, picture }: Parts) {
  const news = useSignal<string | undefined>(undefined)
  const isBusy = useSignal(false)
  const files = session.state.listing.value.entries.filter(
    (entry): entry is Entry => entry.manifest !== undefined && entry.manifest.filename !== undefined,
  )
  const buy = async (form: FormData): Promise<void> => {
    news.value = undefined
    isBusy.value = true
    try {
      const entry = files.find(({ cid }) => String(cid) === textOf(form, 'file'))
      if (entry === undefined) throw new CodexError('page/bad-field', 'file: choose one, or drop one below first')
      const id = await seller.buy(entry.cid, wantedIn(form), (words) => (news.value = words))
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
            value={toTokens(perGibMonth(PRICE_WEI)).replace(/\u202f/g, '')}
          />
          <Field
            name="collateral"
            words="Collateral that a provider locks, wei per byte"
            value={String(COLLATERAL_WEI)}
          />
          <Field name="nodes" words="Slots, each with one provider" value="3" />
          <Field name="tolerance" words="Of them, how many may be lost" value="1" />
          <button type="submit" disabled={isBusy.value}>
            Buy storage
          </button>
        </form>
      )}
      {news.value !== undefined && <p role="status">{news.value}</p>}
      <Bought rows={picture.bought} now={picture.view.time} />
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

const STATE_WORDS: Readonly<Record<BoughtRow['state'], string>> = {
  unknown: 'Looking',
  pending: 'On its way to the chain',
  submitted: 'Waiting for providers',
  started: 'Kept',
  finished: 'Over, all was kept',
  cancelled: 'Not placed in time; the money is back',
  failed: 'Lost',
  errored: 'Failed',
}

function Bought({ rows, now }: { readonly rows: readonly BoughtRow[]; readonly now: number }) {
  if (rows.length === 0) return null
  return (
    <ul class="files" data-testid="bought">
      {rows.map(({ requestId, state, problem, filled, slots, endsAt, costWei }) => (
        <li key={requestId} data-state={state}>
          <span class="name">{STATE_WORDS[state]}</span>
          <span class="grow">
            {requestId.slice(0, 10)}…: {filled} of {formatCount(slots, 'slot')} with a provider, {formatAmount(costWei)}{' '}
            at most
            {problem !== undefined && `. ${problem}`}
          </span>
          {endsAt !== undefined && endsAt > now && <span class="quiet">ends in {formatDuration(endsAt - now)}</span>}
        </li>
      ))}
    </ul>
  )
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
  const wei = (text: string): bigint => {
    if (/^\d{1,40}$/.test(text)) return BigInt(text)
    throw new CodexError('page/bad-field', 'expected a whole number of wei')
  }
  return {
    duration: named('duration', parseDuration),
    expiry: named('expiry', parseDuration),
    pricePerBytePerSecond: named('price', (text) => perByteSecond(parseTokens(text))),
    collateralPerByte: named('collateral', wei),
    nodes: named('nodes', count),
    tolerance: named('tolerance', count),
  }
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}
