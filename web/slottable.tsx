// The slots of this provider: where each is, when the next proof is due, what it earns and what it risks.

import { formatBytes, formatDuration } from '../src/lib/format.ts'
import { formatAmount } from './amounts.ts'
import type { SellerPicture, SlotRow } from './seller.ts'

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

export function SlotTable({ picture }: { readonly picture: SellerPicture }) {
  const { rows, ended } = picture
  if (rows.length + ended.length === 0) return null
  return (
    <table class="slottable" data-testid="slots">
      <thead>
        <tr>
          <th scope="col">Slot</th>
          <th scope="col">State</th>
          <th scope="col">Next proof by</th>
          <th scope="col">Proofs</th>
          <th scope="col">Missed</th>
          <th scope="col">Earned so far</th>
          <th scope="col">At risk</th>
          <th scope="col">Ends in</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={row.slotId} row={row} picture={picture} />
        ))}
        {ended.map(({ slotId, requestId, slotIndex, state, proven, missed, why }) => (
          <tr key={slotId} class="quiet" data-state={state}>
            <th scope="row" data-label="Slot">
              {requestId.slice(0, 8)}… #{slotIndex}
            </th>
            <td data-label="State" colSpan={2}>
              {STATE_WORDS[state] ?? state}
              {why !== undefined && `: ${why}`}
            </td>
            <td data-label="Proofs">{proven}</td>
            <td data-label="Missed">{missed}</td>
            <td colSpan={3} />
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Row({ row, picture }: { readonly row: SlotRow; readonly picture: SellerPicture }) {
  const { trade, maxMissed, slashPercentage } = picture
  const { reservation, state, phase, weiPerSecond, filledAt } = row
  const collateral = reservation?.collateral ?? 0n
  const isFilled = filledAt !== undefined
  const earned = isFilled && weiPerSecond !== undefined ? weiPerSecond * BigInt(Math.max(0, trade.time - filledAt)) : 0n
  const period = trade.periodSeconds
  const perProof = (collateral * BigInt(slashPercentage)) / 100n
  return (
    <tr data-state={state}>
      <th scope="row" data-label="Slot">
        {row.requestId.slice(0, 8)}… #{row.slotIndex}
        {reservation !== undefined && <span class="quiet"> {formatBytes(reservation.slotBytes)}</span>}
      </th>
      <td data-label="State">
        {STATE_WORDS[state] ?? state}
        {phase?.at === 'downloading' && ` ${Math.floor((100 * phase.doneBytes) / Math.max(1, phase.totalBytes))} %`}
      </td>
      <td data-label="Next proof by">{isFilled ? `${period - (trade.time % period)} s` : 'not yet'}</td>
      <td data-label="Proofs" data-testid="proofs">
        {row.proven}
      </td>
      <td data-label="Missed">
        {row.missed} of {maxMissed}
      </td>
      <td data-label="Earned so far">{formatAmount(earned)}</td>
      <td data-label="At risk" title={`Each missed proof costs ${formatAmount(perProof)}`}>
        {formatAmount(collateral + earned)}
      </td>
      <td data-label="Ends in">
        {reservation === undefined ? '' : formatDuration(Math.max(0, reservation.validUntil - trade.time))}
      </td>
    </tr>
  )
}
