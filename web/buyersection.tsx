// The place of a client on the page, for who buys without selling. What it needs comes when somebody wants it.

import { useSignal, useSignalEffect } from '@preact/signals'

import type { BuyPlan } from './buyer.ts'
import type * as Cards from './buyercard.tsx'
import type * as Steps from './buysteps.tsx'
import { wasBuyingAnywhere, wasSellingAnywhere } from './sellingnote.ts'
import type { Session } from './session.ts'

export function BuyerSection({ session }: { readonly session: Session }) {
  const steps = useSignal<typeof Steps.BuySteps | undefined>(undefined)
  const buying = useSignal<{ readonly Card: typeof Cards.BuyerCard; readonly plan: BuyPlan } | undefined>(undefined)
  const { isAlone, demo, trades } = session.state
  const buy = async (plan: BuyPlan): Promise<void> => {
    const { BuyerCard } = await import('./buyercard.tsx')
    buying.value = { Card: BuyerCard, plan }
  }
  const open = async (): Promise<void> => {
    const { running } = session
    const offer = demo.value?.offer
    if (offer === undefined) {
      const { BuySteps } = await import('./buysteps.tsx')
      steps.value = BuySteps
    } else if (running !== undefined) {
      const { demoPlan } = await import('./demoplan.ts')
      // It sells only where somebody asked for that: a reload must not begin it.
      await buy({ ...demoPlan(running.room, offer), note: () => undefined })
    }
  }
  useSignalEffect(() => {
    // Who sells there as well goes on with that, and finds what was bought beside it.
    if (isAlone.value && wasBuyingAnywhere() && !wasSellingAnywhere()) void open()
  })
  // A provider has the corner among its own.
  if ((!isAlone.value && demo.value === undefined) || trades.value === 'sells') return null
  const Shown = steps.value
  return (
    <section class="card" aria-labelledby="buys">
      <h2 id="buys">Buy storage</h2>
      {buying.value !== undefined ? (
        <buying.value.Card session={session} plan={buying.value.plan} />
      ) : Shown !== undefined ? (
        <Shown session={session} buy={(plan) => void buy(plan)} />
      ) : (
        <>
          <p class="quiet">
            Have providers keep a file of yours: they are paid for proving, period after period, that they do.
            {isAlone.value && ' It takes a key and the network’s addresses.'}
          </p>
          <div class="row end">
            <button type="button" onClick={() => void open()}>
              {isAlone.value ? 'Set up in two steps' : 'Buy from this tab'}
            </button>
          </div>
        </>
      )}
    </section>
  )
}
