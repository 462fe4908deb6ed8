// The page of a node that is no tab: shown by the program that runs it. The same picture of a provider, read over REST.

import { useMemo } from 'preact/hooks'

import { formatBytes, formatDuration } from '../src/lib/format.ts'
import { type NodePicture, RemoteNode } from './remotenode.ts'
import { SellerLook } from './sellerlook.tsx'

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
        {state.at === 'wants token' && <TokenForm give={(token) => node.giveToken(token, closing)} />}
        {state.at === 'shows' && (
          <Shown picture={state.picture} pause={(isPaused) => void node.pause(isPaused, closing)} />
        )}
      </main>
    </>
  )
}

function TokenForm({ give }: { readonly give: (token: string) => void }) {
  return (
    <section class="card" aria-labelledby="token">
      <h2 id="token">The token of this node</h2>
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

function Shown({ picture, pause }: { readonly picture: NodePicture; readonly pause: (isPaused: boolean) => void }) {
  const { view, space, reasons } = picture
  const isPaused = view?.holds.includes('paused') === true
  return (
    <>
      {reasons.length > 0 && (
        <p class="banner" role="status">
          Not all of it runs: {reasons.join('; ')}.
        </p>
      )}
      <section class="card" aria-labelledby="seller" data-testid="node">
        <h2 id="seller">Space that it rents out</h2>
        {view === undefined ? (
          <p class="quiet">
            It takes no part in the marketplace: start it with an endpoint, a key and a circuit for that.
          </p>
        ) : (
          <>
            <div class="row">
              <button type="button" onClick={() => pause(!isPaused)}>
                {isPaused ? 'Take new slots again' : 'Take no new slots'}
              </button>
            </div>
            <SellerLook view={view} />
          </>
        )}
      </section>
      <section class="card" aria-labelledby="space">
        <h2 id="space">Space</h2>
        <p data-testid="space">
          {formatBytes(space.usedBytes)} used, {formatBytes(space.reservedBytes)} reserved of{' '}
          {formatBytes(space.totalBytes)}.
        </p>
        <p class="quiet">
          Release {picture.version}, running for {formatDuration(picture.uptimeSeconds)}, peer{' '}
          <code class="cid">{picture.peerId}</code>
        </p>
      </section>
    </>
  )
}
