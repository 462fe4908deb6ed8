// The space: used, reserved and free, where it is, whether the browser will keep it, and a way to check that the books are right.

import { QuotaBar } from './quotabar.tsx'
import type { Session } from './session.ts'

interface Part {
  readonly session: Session
}

export function SpaceCard({ session }: Part) {
  const space = session.state.space.value
  return (
    <section class="card" aria-labelledby="space">
      <h2 id="space">Space</h2>
      {space !== undefined && (
        <>
          <QuotaBar space={space} />
          <Persistence session={session} isPersisted={space.persisted} />
        </>
      )}
      <Checking session={session} />
    </section>
  )
}

function Persistence({ session, isPersisted }: Part & { readonly isPersisted: boolean }) {
  const role = session.state.role.value
  return (
    <div class="row fact">
      <p class="grow">
        {isPersisted
          ? 'The browser promised to keep this data until you clear it yourself.'
          : 'The browser may clear this data by itself when the disk gets full.'}
        {role.at === 'leading' && (
          <span class="quiet">
            {' '}
            Blocks are kept in {role.blockStorage === 'OPFS' ? "the browser's own files (OPFS)" : 'IndexedDB'}.
          </span>
        )}
      </p>
      {!isPersisted && (
        <button type="button" onClick={() => void session.askToPersist()}>
          Ask to keep it
        </button>
      )}
    </div>
  )
}

function Checking({ session }: Part) {
  const check = session.state.check.value
  if (session.state.role.value.at !== 'leading') return null
  const isBusy = check?.state === 'running' || session.state.transfer.value !== undefined
  return (
    <div class="row fact">
      <div class="grow" role="status" data-testid="check" data-state={check?.state}>
        {check === undefined && <p class="quiet">Count everything that is stored and compare it with the books.</p>}
        {check?.lines.map((line) => (
          <p key={line}>{line}</p>
        ))}
      </div>
      {check?.state === 'problems' && (
        <button type="button" disabled={isBusy} onClick={() => void session.repairStorage()}>
          Repair
        </button>
      )}
      <button type="button" disabled={isBusy} onClick={() => void session.checkStorage()}>
        Check storage
      </button>
    </div>
  )
}
