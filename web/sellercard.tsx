// The provider of this tab, from top to bottom: how it stands, its slots, its terms, what it earned, and why it took what it took.

import type { ReadonlySignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'

import { formatBytes, formatCount, formatDuration } from '../src/lib/format.ts'
import { formatAmount } from './amounts.ts'
import { AvailabilityEditor } from './availabilityeditor.tsx'
import type { DemoOffer } from './demooffer.ts'
import { EarningsPicture } from './earningspicture.tsx'
import { Seller, type SellerPicture } from './seller.ts'
import type { Session } from './session.ts'
import { SlotTable } from './slottable.tsx'
import { type TabFacts, tellTab, watchTab } from './tabwatch.ts'

export function SellerCard({ session, offer }: { readonly session: Session; readonly offer: DemoOffer }) {
  const seller = useMemo(() => begin(session, offer), [session, offer])
  const facts = useMemo(() => watchTab(session.closing), [session])
  if (seller === undefined) return <p class="quiet">Only the tab that runs the node can sell.</p>
  const phase = seller.phase.value
  if (phase.at === 'failed')
    return (
      <div class="banner bad" role="alert">
        <p>{phase.problem}</p>
        <button type="button" onClick={() => window.location.reload()}>
          Reload the page
        </button>
      </div>
    )
  if (phase.at === 'joining')
    return (
      <p class="quiet" role="status">
        {phase.what}
      </p>
    )
  return <Selling seller={seller} facts={facts} />
}

/** Between two looks at what slots take of the space. */
const SPACE_MS = 5000

function begin(session: Session, offer: DemoOffer): Seller | undefined {
  const { running, closing } = session
  if (running === undefined) return undefined
  const seller = new Seller(running.room, running.node, offer)
  void seller.run(closing)
  const timer = setInterval(() => void session.lookAgain(), SPACE_MS)
  closing.addEventListener('abort', () => clearInterval(timer), { once: true })
  return seller
}

function Selling({ seller, facts }: { readonly seller: Seller; readonly facts: ReadonlySignal<TabFacts> }) {
  const picture = seller.picture.value
  const problem = seller.problem.value
  if (picture === undefined) return <p class="quiet">Looking…</p>
  const { trade } = picture
  const provider = trade.provider
  const isPaused = provider?.holds.includes('paused') === true
  const tab = tellTab(facts.value)
  return (
    <>
      {problem !== undefined && (
        <p class="banner bad" role="alert">
          {problem}
        </p>
      )}
      <p data-testid="stance" role="status">
        {stance(picture)}
      </p>
      <div class="row">
        <button type="button" disabled={!picture.canRequest} onClick={() => void seller.request()}>
          Have the client buy storage
        </button>
        <button type="button" onClick={() => (isPaused ? seller.resume() : seller.pause())}>
          {isPaused ? 'Take new slots again' : 'Take no new slots'}
        </button>
      </div>
      <Figures picture={picture} />
      <SlotTable picture={picture} />
      <Alerts picture={picture} />
      <AvailabilityEditor seller={seller} availability={provider?.availabilities[0]} />
      <EarningsPicture earnings={picture.earnings} now={trade.time} />
      <Decisions picture={picture} />
      <p class={tab.isBad ? 'banner bad' : 'quiet fact'} data-testid="tab">
        {tab.words}
      </p>
      <TitleMark count={picture.rows.length} />
    </>
  )
}

/** The tab's title says that it must not be closed. */
function TitleMark({ count }: { readonly count: number }) {
  useEffect(() => {
    document.title = count === 0 ? 'codex-light' : `(${count}) codex-light`
  }, [count])
  return null
}

const HOLD_WORDS = {
  paused: 'You let it take no new slots.',
  starting: 'It makes a first proof, to see that it can; then it sells.',
  'slow prover': 'A proof takes more than half of a period here: it takes nothing new, to lose nothing.',
  'wrong accounts': 'Its accounts do not add up: it takes nothing new.',
} as const

function stance({ trade, rows }: SellerPicture): string {
  const holds = trade.provider?.holds ?? []
  const [hold] = holds
  if (hold !== undefined) return HOLD_WORDS[hold]
  if (trade.endpoint.state !== 'connected') return `The chain is out of reach: ${trade.endpoint.problem}`
  return rows.length === 0
    ? 'It sells: waiting for a request that fits.'
    : `It sells: ${formatCount(rows.length, 'slot')} under way.`
}

/** Of a period that proving may fill. */
const SAFE_SHARE = 0.5

function Figures({ picture }: { readonly picture: SellerPicture }) {
  const { trade, status, tokens, rows } = picture
  const locked = rows.reduce((sum, { reservation }) => sum + (reservation?.collateral ?? 0n), 0n)
  const free = trade.provider?.availabilities.reduce((sum, each) => sum + each.totalRemainingCollateral, 0n) ?? 0n
  const slashed = picture.earnings.reduce((sum, { lostCollateral }) => sum + lostCollateral, 0n)
  const seconds = trade.provider?.prover.recentSeconds ?? []
  const typical = [...seconds].sort((a, b) => a - b)[Math.floor(seconds.length / 2)]
  const period = trade.periodSeconds
  return (
    <dl class="legend">
      <Figure word="Next period in" value={formatDuration(period - (trade.time % period))} />
      <Figure
        word="Prover"
        testid="prover"
        value={
          typical === undefined
            ? 'measuring'
            : `${typical.toFixed(1)} s per proof, period ${period} s: safe for ${formatCount(Math.floor((period * SAFE_SHARE) / Math.max(typical, 0.1)), 'slot')}`
        }
      />
      <Figure word="Peers" value={formatCount(status.network?.peers.length ?? 0, 'peer')} />
      <Figure word="Balance" value={tokens === undefined ? 'unknown' : formatAmount(tokens)} />
      <Figure word="Collateral locked" value={formatAmount(locked)} />
      <Figure word="Collateral free to lock" value={formatAmount(free)} />
      <Figure word="Collateral lost" value={formatAmount(slashed)} />
      <Figure
        word="Space offered"
        value={formatBytes(trade.provider?.availabilities.reduce((sum, each) => sum + each.totalSize, 0) ?? 0)}
      />
    </dl>
  )
}

function Figure(props: { readonly word: string; readonly value: string; readonly testid?: string }) {
  return (
    <div>
      <dt>{props.word}</dt>
      <dd data-testid={props.testid}>{props.value}</dd>
    </div>
  )
}

function Alerts({ picture: { trade } }: { readonly picture: SellerPicture }) {
  if (trade.alerts.length === 0) return null
  return (
    <div class="fact" role="alert">
      <h3>Alerts</h3>
      <ul class="files">
        {trade.alerts.slice(0, 5).map(({ at, code, cause, action, atStake }) => (
          <li key={`${at} ${code}`}>
            <span class="grow">
              {cause}.{atStake !== undefined && ` At stake: ${formatAmount(atStake)}.`} <strong>{action}.</strong>
            </span>
            <span class="quiet">{formatDuration(Math.max(0, trade.time - at))} ago</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

const VERDICT_WORDS = { queued: 'Waits', ignored: 'Ignored', taken: 'Taken', lost: 'Lost', ended: 'Ended' } as const

function Decisions({ picture: { decisions, trade } }: { readonly picture: SellerPicture }) {
  return (
    <details class="fact">
      <summary>Why it took or ignored what the chain offered ({formatCount(decisions.length, 'decision')})</summary>
      <ul class="files">
        {decisions.map(({ at, requestId, slotIndex, verdict, reasons }, index) => (
          <li key={`${at} ${requestId} ${slotIndex} ${index}`}>
            <span class="name">{VERDICT_WORDS[verdict]}</span>
            <span class="grow">
              {slotIndex === undefined ? 'Request' : `Slot ${slotIndex} of`} {requestId.slice(0, 10)}…
              {reasons.length > 0 && `: ${reasons.join('; ')}`}
            </span>
            <span class="quiet">{formatDuration(Math.max(0, trade.time - at))} ago</span>
          </li>
        ))}
      </ul>
    </details>
  )
}
