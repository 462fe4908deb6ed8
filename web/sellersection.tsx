// The place of a provider on the page: one button where a demo serves it. The provider, and all that it needs, comes when somebody wants it.

import { useSignal, useSignalEffect } from '@preact/signals'
import type { ComponentType } from 'preact'

import type * as Module from './sellercard.tsx'
import type { Session } from './session.ts'

type Card = ComponentType<Parameters<typeof Module.SellerCard>[0]>

export function SellerSection({ session }: { readonly session: Session }) {
  const card = useSignal<{ readonly Card: Card } | undefined>(undefined)
  const open = async (): Promise<void> => {
    card.value ??= { Card: (await import('./sellercard.tsx')).SellerCard }
  }
  const { demo } = session.state
  useSignalEffect(() => {
    if (demo.value?.resumes === true) void open()
  })
  if (demo.value === undefined) return null
  const Card = card.value?.Card
  return (
    <section class="card" aria-labelledby="seller">
      <h2 id="seller">Rent out space</h2>
      {Card === undefined ? (
        <>
          <p class="quiet">
            This page is served by the demo: a chain, a client and a provider run on this computer. Join them with a
            provider in this tab. Its money is play money, and its key is one that everybody knows.
          </p>
          <div class="row end">
            <button type="button" onClick={() => void open()}>
              Sell from this tab
            </button>
          </div>
        </>
      ) : (
        <Card session={session} offer={demo.value.offer} />
      )}
    </section>
  )
}
