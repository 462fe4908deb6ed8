// A tab that watches the node which another tab runs: it shows what that one tells, says when it is silent, and waits in line to run the node itself.

import type * as BrowserRoom from '../src/browser.ts'
import type { BrowserOptions, TabNode, Viewer } from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'
import { explain } from './explain.ts'
import type { PageChannel, PageMessage } from './pagechannel.ts'
import type { PageState } from './pagestate.ts'

/** What the other tab told last says nothing about now after so long. */
const SILENT_MS = 15_000
const LISTEN_MS = 1000

export interface WatchingTabParts {
  readonly room: typeof BrowserRoom
  /** What the node is opened with once it is this tab's turn. */
  readonly options: BrowserOptions & { readonly signal: AbortSignal }
  readonly viewer: Viewer
  readonly state: PageState
  readonly channel: Pick<PageChannel, 'say'>
  /** Shows anew what is stored. */
  readonly refresh: () => Promise<void>
}

export class WatchingTab {
  readonly viewer: Viewer
  readonly #parts: WatchingTabParts
  #heardMs = performance.now()
  /** Has this tab, which waits for the lock, wait behind the others. */
  #stepBack: (() => void) | undefined

  constructor(parts: WatchingTabParts) {
    this.#parts = parts
    this.viewer = parts.viewer
  }

  /** Watches until the tab that runs the node is gone. @returns the node, which this tab runs from now on. @throws what opening it throws, the signal's reason */
  async untilLeading(): Promise<TabNode> {
    this.#parts.state.role.value = { at: 'watching' }
    const watching = new AbortController()
    const watched = this.#watch(watching.signal)
    this.#listen(watching.signal)
    try {
      return await this.#openInLine()
    } finally {
      watching.abort(new CodexError('page/leads-now', 'this tab runs the node itself now'))
      await watched
    }
  }

  hear(message: PageMessage): void {
    const { state } = this.#parts
    if (message.says === 'let me') this.#stepBack?.()
    if (message.says === 'busy')
      state.problem.value = 'The other tab is in the middle of a file: try again when it is done.'
    if (message.says !== 'sells' && message.says !== 'here') return
    this.#heardMs = performance.now()
    state.isSilent.value = false
    if (message.says === 'sells') {
      state.watched.value = message.picture
      return
    }
    state.unproven.value = message.unproven
    // What the tab before it showed is none of its own.
    if (!message.sells) state.watched.value = undefined
  }

  /** Whoever was asked for by a person goes first, also where this one has waited for longer. */
  async #openInLine(): Promise<TabNode> {
    const { room, options } = this.#parts
    for (;;) {
      const waiting = new AbortController()
      this.#stepBack = () => waiting.abort(new CodexError('page/stepped-back', 'another tab was asked to run the node'))
      try {
        const signal = AbortSignal.any([options.signal, waiting.signal])
        return await room.openNode({ ...options, signal, inLine: true })
      } catch (error) {
        options.signal.throwIfAborted()
        if (!waiting.signal.aborted) throw error
      } finally {
        this.#stepBack = undefined
      }
    }
  }

  /** Marks what is shown of the other tab as old once that tab is silent. */
  #listen(signal: AbortSignal): void {
    const { channel, state } = this.#parts
    this.#heardMs = performance.now()
    channel.say({ says: 'who' })
    const timer = setInterval(() => {
      state.isSilent.value = performance.now() - this.#heardMs > SILENT_MS
    }, LISTEN_MS)
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  /** Ends with the signal, never rejects. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { refresh, state } = this.#parts
    try {
      await refresh()
      for await (const _ of this.viewer.changes({ signal })) await refresh()
    } catch (error) {
      if (!signal.aborted) state.problem.value = explain(error)
    }
  }
}
