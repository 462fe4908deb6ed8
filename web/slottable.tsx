// The slots of this provider: where each is, when the next proof is due, what it earns and what it risks.

import { formatBytes, formatDuration } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import { typicalSeconds } from '../src/protocol/safeslots.ts'
import { withoutReverts } from './explain.ts'
import { PeriodBar } from './periodbar.tsx'
import { type SellerView, slashedOf, type ViewedSlot } from './sellerview.ts'

const STATE_WORDS: Readonly<Record<string, string>> = {
  SaleUnknown: 'Taken up again',
  SalePreparing: 'Looking at it',
  SaleSlotReserving: 'Reserving',
  SaleDownloading: 'Downloading',
  SaleInitialProving: 'First proof',
  SaleFilling: 'Filling',
  SaleFilled: 'Filled',
  SaleProving: 'Proving',
  SalePayout: 'Collecting',
  SaleFinished: 'Paid',
  SaleFailed: 'Failed',
  SaleCancelled: 'Cancelled',
  SaleIgnored: 'Ignored',
  SaleErrored: 'Given up',
}

export function SlotTable({ view }: { readonly view: SellerView }) {
  const { slots, ended } = view
  if (slots.length + ended.length === 0) return null
  return (
    <table class="slottable" data-testid="slots">
      <thead>
        <tr>
          <th scope="col">Slot</th>
          <th scope="col">State</th>
          <th scope="col">Next proof</th>
          <th scope="col">Proof takes</th>
          <th scope="col">Proofs</th>
          <th scope="col">Missed</th>
          <th scope="col">Earned so far</th>
          <th scope="col">At risk</th>
          <th scope="col">Ends in</th>
        </tr>
      </thead>
      <tbody>
        {slots.map((slot) => (
          <Row key={slot.slotId} slot={slot} view={view} />
        ))}
        {ended.map(({ slotId, requestId, slotIndex, state, proven, missed, why }) => (
          <tr key={slotId} class="quiet" data-state={state}>
            <th scope="row" data-label="Slot">
              {requestId.slice(0, 8)}… #{slotIndex}
            </th>
            <td data-label="State" colSpan={3}>
              {STATE_WORDS[state] ?? state}
              {why !== undefined && `: ${withoutReverts(why)}`}
            </td>
            <td data-label="Proofs">{proven}</td>
            <td data-label="Missed">{tellMissed(missed, view.maxMissed)}</td>
            <td colSpan={3} />
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Row({ slot, view }: { readonly slot: ViewedSlot; readonly view: SellerView }) {
  const { time, periodSeconds: period, maxMissed, slashPercentage } = view
  const { state, download, weiPerSecond, filledAt, collateral, until } = slot
  const proofSeconds = typicalSeconds(view.proofSeconds)
  const isFilled = filledAt !== undefined
  // A slot that is over is paid no more, however long its collecting takes.
  const seconds = isFilled ? Math.max(0, Math.min(time, until ?? time) - filledAt) : 0
  const earned = isFilled && weiPerSecond !== undefined ? weiPerSecond * BigInt(seconds) : undefined
  const perProof = (collateral * BigInt(slashPercentage)) / 100n
  return (
    <tr data-state={state}>
      <th scope="row" data-label="Slot">
        {slot.requestId.slice(0, 8)}… #{slot.slotIndex}
        {slot.slotBytes !== undefined && <span class="quiet"> {formatBytes(slot.slotBytes)}</span>}
      </th>
      <td data-label="State">
        {STATE_WORDS[state] ?? state}
        {download !== undefined && ` ${Math.floor((100 * download.doneBytes) / Math.max(1, download.totalBytes))} %`}
      </td>
      <td data-label="Next proof" data-testid="next-proof">
        {isFilled ? tellNextProof(slot, view) : 'not yet'}
        {isFilled && view.outOfReach === undefined && (
          <PeriodBar time={time} periodSeconds={period} proofSeconds={proofSeconds} isProven={isProven(slot, view)} />
        )}
      </td>
      <td data-label="Proof takes" title="of a period">
        {proofSeconds === undefined ? 'measuring' : `${proofSeconds.toFixed(1)} s of ${period} s`}
      </td>
      <td data-label="Proofs" data-testid="proofs">
        {slot.proven}
      </td>
      <td data-label="Missed">{tellMissed(slot.missed, maxMissed)}</td>
      <td data-label="Earned so far">{earned === undefined ? (isFilled ? 'unknown' : '') : formatAmount(earned)}</td>
      <td data-label="At risk" title={`Each missed proof costs ${formatAmount(perProof)}`}>
        {formatAmount(collateral - slashedOf(slot, view) + (earned ?? 0n))}
      </td>
      <td data-label="Ends in">{until === undefined ? '' : formatDuration(Math.max(0, until - time))}</td>
    </tr>
  )
}

/** A countdown to the end of the period, unless this period's proof is in the chain already. The chain's time may stand still while it says nothing. */
export function tellNextProof(
  { provenIn }: Pick<ViewedSlot, 'provenIn'>,
  { time, periodSeconds: period, outOfReach }: Pick<SellerView, 'time' | 'periodSeconds' | 'outOfReach'>,
): string {
  if (outOfReach !== undefined) return 'unknown: the chain is silent'
  const left = `${period - (time % period)} s`
  return isProven({ provenIn }, { time, periodSeconds: period })
    ? `in for this period; the next begins in ${left}`
    : `within ${left}, if one is due`
}

/** This period's proof is in the chain. */
function isProven(
  { provenIn }: Pick<ViewedSlot, 'provenIn'>,
  { time, periodSeconds }: Pick<SellerView, 'time' | 'periodSeconds'>,
): boolean {
  return provenIn !== undefined && provenIn >= Math.floor(time / periodSeconds)
}

function tellMissed(missed: number, most: number): string {
  return `${missed} of ${most}`
}
