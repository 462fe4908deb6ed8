// The page from top to bottom. What each part shows is in its own file, what it does in session.ts.

import { useSignal } from '@preact/signals'

import { BlockGrid } from './blockgrid.tsx'
import { BuyerSection } from './buyersection.tsx'
import { type DatasetActs, DatasetList } from './datasetlist.tsx'
import { DropZone } from './dropzone.tsx'
import { ProverSection } from './proversection.tsx'
import { DemoSection, SellerSection, SetupSection } from './sellersection.tsx'
import { holdsFilled } from './sellerview.ts'
import type { Session } from './session.ts'
import { SpaceCard } from './spacecard.tsx'
import { TransferCard } from './transfercard.tsx'

interface Part {
  readonly session: Session
}

export function App({ session }: Part) {
  const role = session.state.role.value
  return (
    <>
      <header>
        <h1>codex-light</h1>
        <p class="tagline">A storage node in this browser tab.</p>
        <RoleMark session={session} />
      </header>
      <main>
        <RoleBanner session={session} />
        <Problem session={session} />
        <DemoSection session={session} />
        {(role.at === 'leading' || role.at === 'watching') && <SellerSection session={session} />}
        {role.at === 'leading' && <DropZone isBusy={session.isBusy} store={(file) => void session.upload(file)} />}
        <TransferCard transfer={session.state.transfer.value} cancel={() => session.cancel()} />
        <BlockGrid session={session} />
        {(role.at === 'leading' || role.at === 'watching') && (
          <>
            <DatasetList listing={session.state.listing.value} acts={actsOf(session)} />
            <SpaceCard session={session} />
            <SetupSection session={session} />
            {role.at === 'leading' && <BuyerSection session={session} />}
          </>
        )}
        <ProverSection />
      </main>
      <p class="unseen" role="status">
        {session.state.news}
      </p>
    </>
  )
}

/** None in a tab that only watches. */
function actsOf(session: Session): DatasetActs | undefined {
  if (session.state.role.value.at !== 'leading') return undefined
  return {
    isBusy: session.isBusy,
    show: (entry) => void session.show(entry),
    save: (entry) => void session.download(entry),
    remove: (entry) => void session.remove(entry),
  }
}

const ROLE_WORDS = { opening: 'Opening', leading: 'Running', watching: 'Watching', failed: 'Stopped' } as const

function RoleMark({ session }: Part) {
  const { at } = session.state.role.value
  return (
    <p class="mark" data-role={at}>
      {ROLE_WORDS[at]}
    </p>
  )
}

function RoleBanner({ session }: Part) {
  const role = session.state.role.value
  if (role.at === 'opening') return <p class="banner">Opening the store of this browser…</p>
  if (role.at === 'watching') return <WatchingBanner session={session} />
  if (role.at === 'failed')
    return (
      <div class="banner bad" role="alert">
        <p>{role.problem}</p>
        <button type="button" onClick={() => session.reload()}>
          Reload the page
        </button>
      </div>
    )
  return null
}

function WatchingBanner({ session }: Part) {
  const isAsked = useSignal(false)
  const watched = session.state.watched.value
  const unproven = session.state.unproven.value
  const isSilent = session.state.isSilent.value
  // The demo's key has no password.
  const isLocked = watched !== undefined && !watched.isDemo
  const takeOver = (): void => {
    if (isLocked && holdsFilled(watched) && !isSilent && !isAsked.value) isAsked.value = true
    else session.takeOver()
  }
  return (
    <div class={unproven === undefined && !isSilent ? 'banner' : 'banner bad'} role="status">
      <p>
        Another tab of this browser runs the node; this one only watches. It takes over when you close the other
        {isLocked ? ', and proves nothing until you unlock the key in it.' : '.'}
      </p>
      {unproven !== undefined && <p role="alert">That tab proves nothing. {unproven} Or take over here.</p>}
      {isSilent && (
        <p role="alert">
          That tab has said nothing for a while: what is shown of it may be old. Look at it, or close it.
        </p>
      )}
      {isAsked.value && (
        <p>
          Slots of that tab wait for proofs: each that comes too late costs collateral. Take over only with the password
          at hand.
        </p>
      )}
      <button type="button" onClick={takeOver}>
        {isAsked.value || unproven !== undefined ? 'Take over and unlock the key' : 'Run it in this tab'}
      </button>
    </div>
  )
}

function Problem({ session }: Part) {
  const problem = session.state.problem.value
  if (problem === undefined) return null
  return (
    <div class="banner bad" role="alert">
      <p>{problem}</p>
      <button type="button" onClick={() => session.dismiss()}>
        Dismiss
      </button>
    </div>
  )
}
