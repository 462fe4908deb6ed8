// The page's first file: a log, a clock, a session, and the picture of it. What happens is in session.ts, how it looks in app.tsx.

import { render } from 'preact'

import { assert } from '../src/lib/errors.ts'
import { Log } from '../src/lib/log.ts'
import { LogLevels } from '../src/lib/loglevels.ts'
import { SystemClock } from '../src/lib/systemclock.ts'
import { App } from './app.tsx'
import { Session } from './session.ts'

const NODE_NAME = 'node'

const clock = new SystemClock()
const log = new Log({
  clock,
  levels: new LogLevels('warn'),
  sinks: [
    ({ level, topic, message, fields }) =>
      console[level === 'error' ? 'error' : 'warn'](`${topic}: ${message}`, fields),
  ],
})
const page = document.getElementById('page')
assert(page !== null, 'index.html has a place for the page')

if (document.querySelector<HTMLMetaElement>('meta[name=codex-light-node]')?.content === 'here')
  void showServedNode(page)
else runTab(page)

/** Of the program that serves this page. */
async function showServedNode(place: Element): Promise<void> {
  const { NodeView } = await import('./nodeview.tsx')
  const closing = new AbortController()
  render(<NodeView closing={closing.signal} />, place)
}

/** A node of this tab's own. */
function runTab(place: Element): void {
  const session = new Session({ name: NODE_NAME, log })
  render(<App session={session} />, place)
  void session.run()

  // Leaving in the middle of an upload loses what is not stored yet, with slots their proofs, and with a purchase its providers: the browser asks first.
  window.addEventListener('beforeunload', (event) => {
    if (session.isBusy || session.holdsSlots || session.isFetchedFrom) event.preventDefault()
  })

  // A page that comes back from the browser's memory has lost its lock on the way.
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) window.location.reload()
  })

  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void session.lookAgain()
  })
}
