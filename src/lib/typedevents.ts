// An EventTarget whose events are typed: names and what each carries. For onlookers outside; nothing in the core listens to one.

/** An event of a typed target: its `detail` is plain data. */
export interface TypedEvent<Name extends string, Detail> extends Event {
  readonly type: Name
  readonly detail: Detail
}

export type TypedListener<Events, Name extends keyof Events & string> = (event: TypedEvent<Name, Events[Name]>) => void

class DetailEvent<Detail> extends Event {
  readonly detail: Detail

  constructor(name: string, detail: Detail) {
    super(name)
    this.detail = detail
  }
}

export class TypedEvents<Events> {
  readonly #target = new EventTarget()

  /** @param options `signal`: listens until it aborts */
  addEventListener<Name extends keyof Events & string>(
    name: Name,
    listener: TypedListener<Events, Name>,
    options: { readonly once?: boolean; readonly signal?: AbortSignal } = {},
  ): void {
    this.#target.addEventListener(name, listener as (event: Event) => void, options)
  }

  removeEventListener<Name extends keyof Events & string>(name: Name, listener: TypedListener<Events, Name>): void {
    this.#target.removeEventListener(name, listener as (event: Event) => void)
  }

  /** Each listener is called at once. What one throws does not reach the caller. */
  emit<Name extends keyof Events & string>(name: Name, detail: Events[Name]): void {
    this.#target.dispatchEvent(new DetailEvent(name, detail))
  }
}
