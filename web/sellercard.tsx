// The provider of this tab, from top to bottom: how it stands, its slots, its terms, what it earned, and why it took what it took.

import { effect, type ReadonlySignal, useSignal } from '@preact/signals'
import { useCallback, useEffect, useMemo } from 'preact/hooks'

import { formatCount } from '../src/lib/format.ts'
import { AvailabilityEditor } from './availabilityeditor.tsx'
import { newestOf, ownFiles } from './buystorage.ts'
import { ClientCorner } from './clientcorner.tsx'
import { EarningsPicture } from './earningspicture.tsx'
import { isKeySafe, KeyAtRisk } from './keyatrisk.tsx'
import { KeyDesk } from './keydesk.ts'
import { KEEPING_WORDS, type Keeping } from './keptwatch.ts'
import { MoneyPart } from './moneypart.tsx'
import type { Notices } from './notices.ts'
import { type Entering, NotTrading } from './nottrading.tsx'
import { PeerList } from './peerlist.tsx'
import type { SellPlan } from './sellplan.ts'
import { Seller, type SellerPhase, type SellerPicture } from './seller.ts'
import type { Session } from './session.ts'
import { Decisions, SellerFacts, SellerLook, stance } from './sellerlook.tsx'
import { type MarketSight, suggestTerms } from './suggestedterms.ts'
import { entitle } from './tabtitle.ts'
import { type TabFacts, tellTab, watchTab } from './tabwatch.ts'
import { TermsStep } from './termsstep.tsx'
import { UnprovenMark } from './unprovenmark.tsx'
import { TopUp } from './walletpart.tsx'

export function SellerCard({ session, plan }: { readonly session: Session; readonly plan: SellPlan }) {
  const seller = useMemo(() => begin(session, plan), [session, plan])
  const facts = useMemo(() => watchTab(session.closing), [session])
  if (seller === undefined) return <p class="quiet">Only the tab that runs the node can sell.</p>
  const phase = seller.phase.value
  if (phase.at === 'failed' || phase.at === 'joining')
    return (
      <>
        {seller.held.value !== undefined && <UnprovenMark session={session} {...unproven(phase, seller.held.value)} />}
        <NotTrading phase={phase} isDemo={plan.demo !== undefined} reload={() => session.reload()} />
      </>
    )
  if (phase.at === 'wants terms') return <FirstTerms session={session} seller={seller} phase={phase} />
  return <Selling session={session} seller={seller} facts={facts} />
}

function unproven({ at, problem }: Entering, held: string) {
  const why = `Nothing is proven for ${held}, and proofs that come too late cost collateral.${problem === undefined ? '' : ` ${problem}`}`
  return { title: at === 'failed' ? 'Not proving' : 'Not proving yet', why, isNotified: problem !== undefined }
}

interface FirstTermsParts {
  readonly session: Session
  readonly seller: Seller
  readonly phase: SellerPhase & { readonly at: 'wants terms' }
}

/** The third step once more: nothing is sold on terms that nobody named. */
function FirstTerms({ session, seller, phase }: FirstTermsParts) {
  return (
    <>
      <h3>Space and price</h3>
      {phase.problem !== undefined && (
        <p class="banner bad" role="alert">
          {phase.problem}
        </p>
      )}
      <p>Nothing is offered yet: say for what this tab is to sell.</p>
      <TermsStep
        session={session}
        chainId={phase.chainId}
        see={(signal) => seller.see(signal)}
        begin={async (terms) => {
          await seller.checkKept()
          if (terms !== undefined) await seller.offer(terms)
        }}
      />
    </>
  )
}

/** Between two questions what clients ask for. */
const ASK_MS = 3_600_000
/** Between two looks at what slots take of the space. */
const SPACE_MS = 5000

function begin(session: Session, plan: SellPlan): Seller | undefined {
  const { running, closing } = session
  if (running === undefined) return undefined
  session.state.trades.value = 'sells'
  const seller = new Seller(running.room, running.node, plan, running.clock)
  void seller.run(closing)
  const telling = effect(() => {
    const picture = seller.picture.value
    if (picture !== undefined) session.tellPicture(picture)
  })
  closing.addEventListener('abort', telling, { once: true })
  const timer = setInterval(() => void session.lookAtSpace(), SPACE_MS)
  closing.addEventListener('abort', () => clearInterval(timer), { once: true })
  return seller
}

interface SellingParts {
  readonly session: Session
  readonly seller: Seller
  readonly facts: ReadonlySignal<TabFacts>
}

function Selling({ session, seller, facts }: SellingParts) {
  const sight = useSignal<MarketSight | undefined>(undefined)
  const ask = useCallback((): void => {
    // What was seen last stays where the chain does not answer.
    seller
      .see(session.closing)
      .then((seen) => (sight.value = seen))
      .catch(() => undefined)
  }, [seller])
  useEffect(() => {
    ask()
    const timer = setInterval(ask, ASK_MS)
    return () => clearInterval(timer)
  }, [ask])
  const { running } = session
  const desk = useMemo(() => running && new KeyDesk(running.room, running.node), [running?.node])
  const picture = seller.picture.value
  const problem = seller.problem.value
  if (picture === undefined || desk === undefined) return <p class="quiet">Looking…</p>
  const { view } = picture
  const { network } = seller
  const atRisk = { desk, session, chainId: network.chainId }
  const barrier = isKeySafe(atRisk) ? undefined : <KeyAtRisk {...atRisk} />
  const isPaused = view.holds.includes('paused')
  const space = session.state.space.value
  const free = space === undefined ? 0 : Math.max(0, space.totalBytes - space.usedBytes - space.reservedBytes)
  return (
    <>
      {problem !== undefined && (
        <p class="banner bad" role="alert">
          {problem}
        </p>
      )}
      <KeptBanner session={session} seller={seller} keeping={view.keeping} />
      {seller.news.value !== undefined && (
        <p class="banner" role="status">
          {seller.news.value}
        </p>
      )}
      <p data-testid="stance" role="status">
        {stance(view)}
      </p>
      <div class="row">
        {picture.isDemo && (
          <button type="button" disabled={!picture.canRequest} onClick={() => void seller.request()}>
            Have the client buy storage
          </button>
        )}
        {picture.isDemo && !picture.canRequest && (
          <span class="quiet">The client is busy with a purchase: it can be asked again in a moment.</span>
        )}
        <button type="button" onClick={() => (isPaused ? seller.resume() : seller.pause())}>
          {isPaused ? 'Take new slots again' : 'Take no new slots'}
        </button>
      </div>
      <SellerFacts view={view} />
      <AvailabilityEditor
        offered={picture.offered}
        suggested={suggestTerms(free, sight.value)}
        ask={ask}
        change={(terms, id) => seller.change(terms, id)}
      />
      <EarningsPicture earnings={view.earnings} totals={view.earningTotals} now={view.time} />
      <MoneyPart nodeKey={view.host} coins={view.coins} tokens={view.tokens} barrier={barrier}>
        <TopUp nodeKey={view.host} network={network} closing={session.closing} />
      </MoneyPart>
      <ClientCorner
        isFolded
        barrier={barrier}
        corner={{
          files: ownFiles(session.state.listing.value.entries),
          newest: newestOf(session.state.stored.value),
          bought: picture.bought,
          time: view.time,
          tokens: view.tokens,
          isDemo: picture.isDemo,
          buy: (...asked) => seller.buy(...asked),
        }}
      />
      <PeerList peers={view.peers} />
      <Decisions view={view} />
      <TabState facts={facts.value} />
      <NoticeChoice notices={seller.notices} />
      <TitleMark count={view.slots.length} unseen={seller.notices.unseen.value} />
    </>
  )
}

interface KeptParts {
  readonly session: Session
  readonly seller: Seller
  readonly keeping: Keeping
}

function KeptBanner({ session, seller, keeping }: KeptParts) {
  if (keeping === 'kept') return null
  return (
    <div
      class={keeping === 'at risk' ? 'banner' : 'banner bad'}
      data-testid="keeping"
      role={keeping === 'no room' ? 'alert' : undefined}
    >
      <p>{KEEPING_WORDS[keeping]}</p>
      {keeping === 'no room' ? (
        <button type="button" onClick={() => void seller.checkKept()}>
          Look again
        </button>
      ) : (
        <button type="button" onClick={() => void session.askToPersist().then(() => seller.checkKept())}>
          Ask it to keep the data
        </button>
      )}
    </div>
  )
}

function TabState({ facts }: { readonly facts: TabFacts }) {
  const { now, before } = tellTab(facts)
  return (
    <div class="fact" data-testid="tab">
      {before.map((sentence) => (
        <p key={sentence} class="banner bad">
          {sentence}
        </p>
      ))}
      <p class="quiet">{now}</p>
    </div>
  )
}

/** How the tab that runs the node sells, without any say in it. */
export function WatchedCard({ picture }: { readonly picture: SellerPicture }) {
  return (
    <div data-testid="watched">
      <SellerLook view={picture.view} />
    </div>
  )
}

/** The tab's title says that it must not be closed, and that somebody should look. */
function TitleMark({ count, unseen }: { readonly count: number; readonly unseen: number }) {
  useEffect(() => {
    const leaving = new AbortController()
    const alerts = unseen > 0 ? `⚠ ${formatCount(unseen, 'alert')} – ` : ''
    entitle(`${alerts}${count === 0 ? '' : `(${count}) `}codex-light`, leaving.signal)
    return () => leaving.abort()
  }, [count, unseen])
  return null
}

/** Nothing is asked for before somebody wants it. */
function NoticeChoice({ notices }: { readonly notices: Notices }) {
  const permission = notices.permission.value
  if (permission === 'granted') return null
  if (permission !== 'default')
    return (
      <p class="quiet fact">
        This browser shows no notifications of this page, so alerts are here and in the tab’s title only.
      </p>
    )
  return (
    <p class="row fact">
      <span class="quiet">Alerts come before a deadline is missed.</span>
      <button type="button" onClick={() => void notices.ask()}>
        Also as notifications
      </button>
    </p>
  )
}
