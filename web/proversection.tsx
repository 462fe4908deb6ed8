// The place of the prover meter on the page. The meter itself, and all that it needs, comes when somebody wants it.

import { useSignal } from '@preact/signals'
import type { ComponentType } from 'preact'

export function ProverSection() {
  const card = useSignal<{ readonly Card: ComponentType } | undefined>(undefined)
  const open = async (): Promise<void> => {
    card.value = { Card: (await import('./provercard.tsx')).ProverCard }
  }
  const Card = card.value?.Card
  return (
    <section class="card" aria-labelledby="prover">
      <h2 id="prover">Prover meter</h2>
      {Card === undefined ? (
        <button type="button" onClick={() => void open()}>
          How fast does this device prove?
        </button>
      ) : (
        <Card />
      )}
    </section>
  )
}
