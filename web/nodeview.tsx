// The page of a node that is no tab: shown by the program that runs it. The same picture of a provider, read over REST.

import { useEffect, useMemo } from 'preact/hooks'

import { formatCount, formatDuration } from '../src/lib/format.ts'
import { AlertList } from './alertlist.tsx'
import { AvailabilityEditor } from './availabilityeditor.tsx'
import { ownFiles } from './buystorage.ts'
import { ClientCorner } from './clientcorner.tsx'
import type { Corner } from './corner.ts'
import { type DatasetActs, DatasetList } from './datasetlist.tsx'
import { DropZone } from './dropzone.tsx'
import { MoneyPart } from './moneypart.tsx'
import type { Listing, Transfer } from './pagestate.ts'
import { PeerList } from './peerlist.tsx'
import { QuotaBar } from './quotabar.tsx'
import { type MarketPicture, type NodePicture, RemoteNode } from './remotenode.ts'
import { SellerLook } from './sellerlook.tsx'
import type { Terms } from './sellplan.ts'
import { checkRoom, suggestTerms } from './suggestedterms.ts'
import { TransferCard } from './transfercard.tsx'

export function NodeView({ closing }: { readonly closing: AbortSignal }) {
  const node = useMemo(() => {
    const remote = new RemoteNode()
    remote.run(closing)
    return remote
  }, [closing])
  const state = node.state.value
  return (
    <>
      <header>
        <h1>codex-light</h1>
        <p class="tagline">The storage node that serves this page.</p>
        <p class="mark" data-role={state.at === 'shows' ? 'leading' : state.at === 'gone' ? 'failed' : 'opening'}>
          {state.at === 'shows' ? 'Running' : state.at === 'gone' ? 'Out of reach' : 'Asking'}
        </p>
      </header>
      <main>
        {node.problem.value !== undefined && (
          <p class="banner bad" role="alert">
            {node.problem.value}
          </p>
        )}
        {state.at === 'gone' && (
          <p class="banner bad" role="alert">
            {state.problem}
          </p>
        )}
        {state.at === 'wants token' && (
          <TokenForm isWrong={state.isWrong} give={(token) => node.giveToken(token, closing)} />
        )}
        {state.at === 'shows' && (
          <Shown
            picture={state.picture}
            pause={(isPaused) => void node.pause(isPaused, closing)}
            offer={(terms, id) => node.offer(terms, id, closing)}
            buy={(...asked) => node.corner.buy(asked, closing)}
            files={filesOf(node, closing)}
          />
        )}
      </main>
    </>
  )
}

/** The files of a node, and what can be done with them. */
export interface FilesDesk extends Pick<DatasetActs, 'save' | 'remove'> {
  /** Undefined until they were asked for. */
  readonly listing: Listing | undefined
  /** CID of the one that was sent last from here. */
  readonly newest: string | undefined
  readonly transfer: Transfer | undefined
  readonly problem: string | undefined
  readonly list: () => void
  readonly store: (file: File) => void
  readonly cancel: () => void
}

function filesOf({ files }: RemoteNode, closing: AbortSignal): FilesDesk {
  return {
    listing: files.listing.value,
    newest: files.newest.value,
    transfer: files.transfer.value,
    problem: files.problem.value,
    list: () => void files.list(closing),
    store: (file) => void files.upload(file, closing),
    save: (entry) => void files.save(entry, closing),
    remove: (entry) => void files.remove(entry, closing),
    cancel: () => files.cancel(),
  }
}

interface TokenFormParts {
  /** The one that was given last. */
  readonly isWrong: boolean
  readonly give: (token: string) => void
}

function TokenForm({ isWrong, give }: TokenFormParts) {
  return (
    <section class="card" aria-labelledby="token">
      <h2 id="token">The token of this node</h2>
      {isWrong && (
        <p class="banner bad" role="alert">
          That is not this node’s token: it changes at each start, unless the node was started with one of its own.
        </p>
      )}
      <form
        class="terms"
        onSubmit={(event) => {
          event.preventDefault()
          const token = new FormData(event.currentTarget).get('token')
          give(typeof token === 'string' ? token : '')
        }}
      >
        <p class="quiet">
          Its user finds it in <code>api.json</code> of the data folder. It is kept until this tab is closed.
        </p>
        <label>
          Token
          <input name="token" type="password" required autocomplete="off" />
        </label>
        <button type="submit">Show the node</button>
      </form>
    </section>
  )
}

interface ShownParts {
  readonly picture: NodePicture
  readonly pause: (isPaused: boolean) => void
  readonly offer: (terms: Terms, id: string | undefined) => Promise<string>
  readonly buy: Corner['buy']
  readonly files: FilesDesk
}

export function Shown({ picture, pause, offer, buy, files }: ShownParts) {
  const { market, space, reasons, alerts } = picture
  return (
    <>
      {market?.view === undefined && alerts.length > 0 && (
        <section class="card" data-testid="node-alerts">
          {/* Before it knows the chain's time its alerts have the machine's. */}
          <AlertList alerts={alerts} time={market?.time ?? Math.floor(Date.now() / 1000)} />
        </section>
      )}
      {reasons.length > 0 && (
        <p class="banner" role="status">
          Not all of it runs: {reasons.join('; ')}.
        </p>
      )}
      {market === undefined ? (
        <section class="card" data-testid="node">
          <p class="quiet">
            {reasons.length > 0
              ? 'It takes no part in the marketplace yet, and enters it as soon as that can be.'
              : 'It takes no part in the marketplace: start it with an endpoint and a key for that, and with a circuit to sell.'}
          </p>
        </section>
      ) : (
        <MarketCards market={market} space={space} pause={pause} offer={offer} buy={buy} files={files} />
      )}
      <FilesCards files={files} blocks={space.blocks} />
      <section class="card" aria-labelledby="space">
        <h2 id="space">Space</h2>
        <div data-testid="space">
          <QuotaBar space={space} />
        </div>
        {market?.view === undefined && <PeerList peers={picture.peers} />}
        <p class="quiet fact">
          Release {picture.version}, running for {formatDuration(picture.uptimeSeconds)}, peer{' '}
          <code class="cid">{picture.peerId}</code>
        </p>
      </section>
    </>
  )
}

type MarketCardsParts = Omit<ShownParts, 'picture'> & {
  readonly market: MarketPicture
  readonly space: NodePicture['space']
}

/** One for each part that it takes. */
function MarketCards({ market, space, pause, offer, buy, files }: MarketCardsParts) {
  const { view, offered, watched } = market
  const isPaused = view?.holds.includes('paused') === true
  const freeBytes = Math.max(0, space.totalBytes - space.usedBytes - space.reservedBytes)
  const suggested = suggestTerms(
    freeBytes,
    view?.tokens === undefined ? undefined : { tokens: view.tokens, asks: 'not asked' },
  )
  return (
    <>
      {view !== undefined && (
        <section class="card" aria-labelledby="seller" data-testid="node">
          <h2 id="seller">Space that it rents out</h2>
          <div class="row">
            <button type="button" onClick={() => pause(!isPaused)}>
              {isPaused ? 'Take new slots again' : 'Take no new slots'}
            </button>
          </div>
          <SellerLook view={view} />
          <MoneyPart nodeKey={market.host} coins={market.coins} tokens={market.tokens} />
          <AvailabilityEditor
            offered={offered}
            suggested={suggested}
            change={async (terms, id) => {
              const beforeBytes = offered.find((each) => each.id === id)?.totalSize ?? 0
              if (terms.totalSize > beforeBytes) checkRoom(terms, freeBytes + beforeBytes)
              return offer(terms, id)
            }}
          />
        </section>
      )}
      {view === undefined && market.bought !== undefined && (
        <section class="card">
          <MoneyPart nodeKey={market.host} coins={market.coins} tokens={market.tokens} />
        </section>
      )}
      {market.bought !== undefined && <BuyingCard market={market} bought={market.bought} buy={buy} files={files} />}
      {watched !== undefined && (
        <section class="card" aria-labelledby="validator" data-testid="validates">
          <h2 id="validator">Proofs that it watches</h2>
          <p>As a validator it watches {formatCount(watched, 'slot')} and marks proofs that are missing.</p>
        </section>
      )}
    </>
  )
}

interface BuyingCardParts extends Pick<ShownParts, 'buy' | 'files'> {
  readonly market: MarketPicture
  readonly bought: NonNullable<MarketPicture['bought']>
}

function BuyingCard({ market: { tokens, time }, bought, buy, files: { listing, newest } }: BuyingCardParts) {
  return (
    <section class="card" aria-labelledby="buyer" data-testid="buys">
      <h2 id="buyer">Storage that it buys</h2>
      <p class="quiet">
        {bought.length === 0
          ? 'Nothing was bought yet.'
          : `${formatCount(bought.length, 'purchase')}, the latest first.`}
      </p>
      {listing !== undefined && (
        <ClientCorner corner={{ files: ownFiles(listing.entries), newest, bought, time, tokens, isDemo: false, buy }} />
      )}
    </section>
  )
}

/** Files come and go by other ways, too: once the store is quiet, it is looked at again. */
const QUIET_MS = 5000

interface FilesCardsParts extends Pick<ShownParts, 'files'> {
  /** How many the store has. */
  readonly blocks: number
}

function FilesCards({ files, blocks }: FilesCardsParts) {
  const { listing, transfer, problem, list, store, save, remove, cancel } = files
  useEffect(list, [])
  useEffect(() => {
    const timer = setTimeout(list, QUIET_MS)
    return () => clearTimeout(timer)
  }, [blocks])
  const isBusy = transfer !== undefined
  return (
    <>
      {problem !== undefined && (
        <p class="banner bad" role="alert">
          {problem}
        </p>
      )}
      <DropZone isBusy={isBusy} store={store} />
      <TransferCard transfer={transfer} cancel={cancel} />
      {listing !== undefined && <DatasetList listing={listing} acts={{ isBusy, save, remove }} />}
    </>
  )
}
