// The place of a provider on the page: one button where a demo serves it, three steps elsewhere. The provider, and all that it needs, comes when somebody wants it.

import { useSignal, useSignalEffect } from '@preact/signals'

import type * as DemoLook from './demoprovider.tsx'
import type * as Onboarding from './onboarding.tsx'
import { wasSellingAnywhere } from './sellingnote.ts'
import type { SellPlan } from './sellplan.ts'
import type * as Module from './sellercard.tsx'
import type { Session } from './session.ts'

type Cards = Pick<typeof Module, 'SellerCard' | 'WatchedCard'>

interface Part {
  readonly session: Session
}

/** What the demo's own provider does, before and beside one in this tab. */
export function DemoSection({ session }: Part) {
  const look = useSignal<Pick<typeof DemoLook, 'DemoProvider'> | undefined>(undefined)
  const { demo } = session.state
  useSignalEffect(() => {
    if (demo.value?.offer.shows === true) void import('./demoprovider.tsx').then((found) => (look.value = found))
  })
  const Look = look.value
  if (demo.value?.offer.shows !== true) return null
  return (
    <section class="card" aria-labelledby="demo" data-testid="demo">
      <h2 id="demo">The demo: a provider that stores a real file</h2>
      <p class="quiet">
        A client bought storage for a file, and a provider on this computer reserves its slots, downloads and proves
        them, fills them on the chain, proves them again each period, and is paid.
      </p>
      {Look === undefined ? <p class="quiet">Looking…</p> : <Look.DemoProvider closing={session.closing} />}
    </section>
  )
}

/** In the demo, and of a tab that watches. */
export function SellerSection({ session }: Part) {
  const cards = useSignal<Cards | undefined>(undefined)
  const plan = useSignal<SellPlan | undefined>(undefined)
  const { demo, watched } = session.state
  const accept = async (): Promise<void> => {
    const { running } = session
    const offer = demo.value?.offer
    if (running === undefined || offer === undefined) return
    const [{ demoPlan }, found] = await Promise.all([import('./demoplan.ts'), import('./sellercard.tsx')])
    cards.value = found
    plan.value ??= demoPlan(running.room, offer)
  }
  useSignalEffect(() => {
    if (demo.value?.resumes === true) void accept()
    if (watched.value !== undefined) void import('./sellercard.tsx').then((found) => (cards.value = found))
  })
  const Cards = cards.value
  const picture = watched.value
  if (picture === undefined && demo.value === undefined) return null
  return (
    <section class="card" aria-labelledby="seller">
      <h2 id="seller">{picture === undefined ? 'Rent out space' : 'Space that the other tab rents out'}</h2>
      {picture !== undefined && Cards !== undefined && <Cards.WatchedCard picture={picture} />}
      {picture === undefined &&
        plan.value === undefined &&
        (session.state.trades.value === 'buys' ? <BuysNow /> : <DemoInvitation accept={() => void accept()} />)}
      {picture === undefined && plan.value !== undefined && Cards !== undefined && (
        <Cards.SellerCard session={session} plan={plan.value} />
      )}
    </section>
  )
}

/** Roles are taken up once: a tab that buys already sells after a reload. */
function BuysNow() {
  return (
    <div class="row">
      <p class="quiet grow">This tab buys now. To sell from it as well, load the page anew and begin with this.</p>
      <button type="button" onClick={() => window.location.reload()}>
        Reload the page
      </button>
    </div>
  )
}

function DemoInvitation({ accept }: { readonly accept: () => void }) {
  return (
    <>
      <p class="quiet">
        This page is served by the demo: a chain, a client and a provider run on this computer. Join them with a
        provider in this tab: the client then buys storage once more, and slots of that are left to it. Its money is
        play money.
      </p>
      <div class="row end">
        <button type="button" onClick={accept}>
          Sell from this tab
        </button>
      </div>
    </>
  )
}

/** On a network of one's choice. */
export function SetupSection({ session }: Part) {
  const steps = useSignal<Pick<typeof Onboarding, 'Onboarding'> | undefined>(undefined)
  const selling = useSignal<{ readonly cards: Cards; readonly plan: SellPlan } | undefined>(undefined)
  const open = async (): Promise<void> => {
    steps.value ??= await import('./onboarding.tsx')
  }
  const sell = async (plan: SellPlan): Promise<void> => {
    const cards = await import('./sellercard.tsx')
    // A tab sells once, however often it is told to.
    selling.value ??= { cards, plan }
  }
  const { isAlone } = session.state
  useSignalEffect(() => {
    // Its slots wait for proofs, and for a password.
    if (isAlone.value && wasSellingAnywhere()) void open()
  })
  if (!isAlone.value) return null
  const Steps = steps.value
  return (
    <section class="card" aria-labelledby="setup">
      <h2 id="setup">Rent out space</h2>
      {selling.value !== undefined ? (
        <selling.value.cards.SellerCard session={session} plan={selling.value.plan} />
      ) : session.state.trades.value === 'buys' ? (
        <BuysNow />
      ) : Steps !== undefined ? (
        <Steps.Onboarding session={session} sell={(plan) => void sell(plan)} />
      ) : (
        <>
          <p class="quiet">
            Offer space of this device to the Codex marketplace, and be paid for keeping and proving what others store.
            It takes a key, the network’s addresses, and a price.
          </p>
          <div class="row end">
            <button type="button" onClick={() => void open()}>
              Set up in three steps
            </button>
          </div>
        </>
      )}
    </section>
  )
}
