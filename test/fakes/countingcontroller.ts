// An abort signal that counts its listeners, so that a test can tell that none was left behind.

export class CountingController {
  readonly #controller = new AbortController()
  readonly signal = this.#controller.signal
  readonly #listeners = new Set<unknown>()

  constructor() {
    const add = this.signal.addEventListener.bind(this.signal)
    const remove = this.signal.removeEventListener.bind(this.signal)
    const count = {
      added: (listener: unknown) => this.#listeners.add(listener),
      removed: (listener: unknown) => this.#listeners.delete(listener),
    }
    this.signal.addEventListener = (
      type: string,
      listener: EventListenerOrEventListenerObject,
      options?: AddEventListenerOptions | boolean,
    ) => {
      count.added(listener)
      add(type, listener, options)
    }
    this.signal.removeEventListener = (
      type: string,
      listener: EventListenerOrEventListenerObject,
      options?: EventListenerOptions | boolean,
    ) => {
      count.removed(listener)
      remove(type, listener, options)
    }
  }

  /** Listeners added and not removed; aborting removes all. */
  get listeners(): number {
    return this.#listeners.size
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason)
    this.#listeners.clear()
  }
}
