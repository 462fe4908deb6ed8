// A provider to look at: how it stands, its figures, slots, alerts, earnings, and why it took what it took. Nothing here changes anything.

import { formatBytes, formatCount, formatDuration } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import { safeSlots, typicalSeconds } from '../src/protocol/safeslots.ts'
import { AlertList } from './alertlist.tsx'
import { EarningsPicture } from './earningspicture.tsx'
import { withoutReverts } from './explain.ts'
import { PeerList } from './peerlist.tsx'
import { type SellerView, slashedOf, totalsOf } from './sellerview.ts'
import { SlotTable } from './slottable.tsx'

/** All of it. */
export function SellerLook({ view }: { readonly view: SellerView }) {
  return (
    <>
      <p role="status">{stance(view)}</p>
      <SellerFacts view={view} />
      <EarningsPicture earnings={view.earnings} totals={view.earningTotals} now={view.time} />
      <PeerList peers={view.peers} />
      <Decisions view={view} />
    </>
  )
}

/** Figures, slots and alerts. */
export function SellerFacts({ view }: { readonly view: SellerView }) {
  return (
    <>
      <Figures view={view} />
      <SlotTable view={view} />
      <AlertList alerts={view.alerts.filter(({ over }) => over === undefined)} time={view.time} />
    </>
  )
}

const HOLD_WORDS = {
  paused: 'You let it take no new slots.',
  starting: 'It makes a first proof, to see that it can; then it sells.',
  'slow prover': 'A proof takes more than half of a period here: it takes nothing new, to lose nothing.',
  'wrong accounts': 'Its accounts do not add up: it takes nothing new.',
  'data at risk': 'It takes no new slots: the browser has not promised to keep this data.',
  'daily cap': 'What its key may spend on gas in a day is used up, or would be by its proofs: it takes nothing new.',
  'no circuit': 'It has no circuit to prove with: it takes nothing new.',
  'no peers': 'It is connected to nobody to get data from: it takes nothing new until somebody is there.',
  'no chain': 'Its endpoint tells nothing of use of the chain: it takes nothing new.',
} as const

export function stance({ holds, outOfReach, slots, keeping }: SellerView): string {
  const [hold] = holds
  if (hold === 'data at risk' && keeping === 'no room')
    return 'It takes no new slots: the browser has less room left than is offered.'
  if (hold !== undefined && (hold !== 'no chain' || outOfReach === undefined)) return HOLD_WORDS[hold]
  if (outOfReach !== undefined) return `The chain is out of reach: ${outOfReach}`
  return slots.length === 0
    ? 'It sells: waiting for a request that fits.'
    : `It sells: ${formatCount(slots.length, 'slot')} under way.`
}

function Figures({ view }: { readonly view: SellerView }) {
  const { slots, earnings, proofSeconds, periodSeconds: period, time, host, tokens, outOfReach } = view
  // What running slots have lost is gone already, though it is booked when they end.
  const slashed = slots.reduce((sum, slot) => sum + slashedOf(slot, view), 0n)
  const locked = slots.reduce((sum, { collateral }) => sum + collateral, 0n) - slashed
  const totals = view.earningTotals ?? totalsOf(earnings)
  const lost = totals.lostCollateral + slashed
  const typical = typicalSeconds(proofSeconds)
  return (
    <dl class="legend">
      <Figure
        word="Next period in"
        value={outOfReach === undefined ? formatDuration(period - (time % period)) : 'unknown'}
      />
      <Figure
        word="Prover"
        testid="prover"
        value={
          typical === undefined
            ? 'measuring'
            : `${typical.toFixed(1)} s per proof, period ${period} s: safe for ${formatCount(safeSlots(typical, period), 'slot')}`
        }
      />
      {view.provesInDevelopment && (
        <Figure word="Proving key" value="for development only: anybody can forge proofs for it" />
      )}
      <Figure word="Sells as" testid="host" value={`${host.slice(0, 8)}…${host.slice(-4)}`} title={host} />
      <Figure word="Peers" value={formatCount(view.peers.length, 'peer')} />
      <Figure word="Balance" value={tokens === undefined ? 'unknown' : formatAmount(tokens)} />
      <Figure word="Paid out so far" value={formatAmount(totals.reward)} />
      <Figure word="Collateral locked" value={formatAmount(locked)} />
      <Figure word="Collateral free to lock" value={formatAmount(view.freeCollateral)} />
      <Figure word="Collateral lost" value={formatAmount(lost)} />
      <Figure word="Space offered" value={formatBytes(view.spaceBytes)} />
    </dl>
  )
}

function Figure(props: {
  readonly word: string
  readonly value: string
  readonly testid?: string
  readonly title?: string
}) {
  return (
    <div>
      <dt>{props.word}</dt>
      <dd data-testid={props.testid} title={props.title}>
        {props.value}
      </dd>
    </div>
  )
}

const VERDICT_WORDS = { queued: 'Waits', ignored: 'Ignored', taken: 'Taken', lost: 'Lost', ended: 'Ended' } as const

export function Decisions({ view: { decisions, time } }: { readonly view: SellerView }) {
  return (
    <details class="fact">
      <summary>Why it took or ignored what the chain offered ({formatCount(decisions.length, 'decision')})</summary>
      <ul class="files">
        {decisions.map(({ at, requestId, slotIndex, verdict, reasons }, index) => (
          <li key={`${at} ${requestId} ${slotIndex} ${index}`}>
            <span class="name">{VERDICT_WORDS[verdict]}</span>
            <span class="grow">
              {slotIndex === undefined ? 'Request' : `Slot ${slotIndex} of`} {requestId.slice(0, 10)}…
              {reasons.length > 0 && `: ${reasons.map(withoutReverts).join('; ')}`}
            </span>
            <span class="quiet">{formatDuration(Math.max(0, time - at))} ago</span>
          </li>
        ))}
      </ul>
    </details>
  )
}
