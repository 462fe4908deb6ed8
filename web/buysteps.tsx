// Two steps from nothing to a client on a network of one's choice: the key, and the network. A browser that bought before unlocks its key to go on.

import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'

import type { BuyPlan } from './buyer.ts'
import { isKeySafe, KeyAtRisk } from './keyatrisk.tsx'
import { KeyDesk, type NodeKey } from './keydesk.ts'
import { KeyStep } from './keystep.tsx'
import { keepChoice, keptChoice, type NetworkChoice } from './networkchoice.ts'
import { NetworkStep } from './networkstep.tsx'
import { noteBuyingAnywhere, wasBuyingAnywhere } from './sellingnote.ts'
import type { Session } from './session.ts'
import { Step } from './step.tsx'

interface Parts {
  readonly session: Session
  readonly buy: (plan: BuyPlan) => void
}

export function BuySteps({ session, buy }: Parts) {
  const { running } = session
  const desk = useMemo(() => running && new KeyDesk(running.room, running.node), [running?.node])
  const opened = useSignal<number | undefined>(undefined)
  const isAnew = useSignal(false)
  const isKeySeen = useSignal(false)
  if (running === undefined || desk === undefined) return <p class="quiet">Only the tab that runs the node can buy.</p>
  const key = desk.state.value.at === 'open' ? desk.state.value.key : undefined
  const kept = keptChoice('buys')
  if (wasBuyingAnywhere() && kept !== undefined && !isAnew.value)
    return (
      <>
        <p>
          This browser bought storage on {new URL(kept.ethProvider).host}: unlock its key to see what became of it, and
          to buy more.
        </p>
        {key === undefined ? (
          <KeyStep desk={desk} next={() => undefined} />
        ) : (
          <button type="button" onClick={() => buy(planOf(kept, key))}>
            Go on
          </button>
        )}
        <button type="button" class="plain" onClick={() => (isAnew.value = true)}>
          Set it up anew
        </button>
      </>
    )
  const step = opened.value ?? (key === undefined || !isKeySeen.value ? 1 : 2)
  return (
    <ol class="steps">
      <Step
        at={1}
        step={step}
        title="A key for this node"
        done={key && isKeySeen.value ? `${key.address.slice(0, 10)}… pays for what this tab buys.` : undefined}
        open={() => (opened.value = 1)}
      >
        <KeyStep
          desk={desk}
          next={() => {
            isKeySeen.value = true
            opened.value = undefined
          }}
        />
      </Step>
      <Step at={2} step={step} title="The network" done={undefined} open={() => (opened.value = 2)}>
        <NetworkStep
          use="buys"
          room={running.room}
          address={key?.address}
          closing={session.closing}
          barrier={(chainId) =>
            isKeySafe({ desk, session, chainId }) ? undefined : <KeyAtRisk {...{ desk, session, chainId }} />
          }
          next={({ choice }) => {
            if (key !== undefined) buy(planOf(choice, key))
          }}
        />
      </Step>
    </ol>
  )
}

function planOf(choice: NetworkChoice, key: NodeKey): BuyPlan {
  const { ethProvider, marketplace, bridges } = choice
  return {
    place: { ethProvider, bootstrap: bridges, ...(marketplace !== '' && { marketplace }) },
    key: async () => key,
    demo: undefined,
    note: () => {
      keepChoice(choice, 'buys')
      noteBuyingAnywhere()
    },
  }
}
