// The demo's own provider, as the program that serves this page shows it: the main job while it happens. It is looked at through the rows of REST that a node's page
// is drawn from, and nothing of it can be changed from here.

import { useMemo } from 'preact/hooks'

import { EarningsPicture } from './earningspicture.tsx'
import { type RemoteState, RemoteNode } from './remotenode.ts'
import { Decisions, SellerFacts, stance } from './sellerlook.tsx'
import type { SellerView } from './sellerview.ts'

/** The phases of a slot are short here. */
const LOOK_MS = 1000

export function DemoProvider({ closing }: { readonly closing: AbortSignal }) {
  const node = useMemo(() => {
    const remote = new RemoteNode(LOOK_MS)
    remote.run(closing)
    return remote
  }, [closing])
  return <DemoProviderLook state={node.state.value} />
}

export function DemoProviderLook({ state }: { readonly state: RemoteState }) {
  if (state.at === 'gone')
    return (
      <p class="banner bad" role="alert">
        The demo does not answer any more: see whether it still runs.
      </p>
    )
  const view = state.at === 'shows' ? state.picture.market?.view : undefined
  if (view === undefined) return <p class="quiet">Looking…</p>
  // The demo pauses it for a tab that joins, which is no cause for alarm.
  const shown = { ...view, alerts: view.alerts.filter(({ code }) => code !== 'sales/paused') }
  return (
    <>
      <p role="status">{demoStance(view)}</p>
      <SellerFacts view={shown} />
      <EarningsPicture earnings={view.earnings} totals={view.earningTotals} now={view.time} />
      <Decisions view={view} />
    </>
  )
}

function demoStance(view: SellerView): string {
  if (view.holds[0] === 'paused') return 'It stands back, so that a tab gets a slot of the purchase made for it.'
  if (view.slots.length + view.ended.length === 0 && view.holds.length === 0)
    return 'It sells: the client is about to buy storage for a file.'
  return stance(view)
}
