// An abort that hears its parent's too, and can leave it. By hand: signals made by AbortSignal.any stay with a long-lived parent until they are
// collected, and a signal takes the longer to add a listener the more it has, so that all children of one share a single one.

/** The children of one parent, and how to be heard no more. */
interface Family {
  readonly children: Set<AbortController>
  readonly leaveParent: () => void
}

const families = new WeakMap<AbortSignal, Family>()

export class ChildAbort {
  readonly #controller = new AbortController()
  readonly #parent: AbortSignal | undefined

  constructor(parent?: AbortSignal) {
    this.#parent = parent
    if (parent?.aborted === true) this.#controller.abort(parent.reason)
    else if (parent !== undefined) (families.get(parent) ?? newFamily(parent)).children.add(this.#controller)
  }

  /** Aborts with {@link ChildAbort.abort}, or when the parent does, for its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** And leaves the parent. The first reason counts. */
  abort(reason: unknown): void {
    this.leave()
    this.#controller.abort(reason)
  }

  /** The parent is heard no more. */
  leave(): void {
    const family = this.#parent && families.get(this.#parent)
    if (this.#parent === undefined || family === undefined) return
    family.children.delete(this.#controller)
    if (family.children.size > 0) return
    families.delete(this.#parent)
    family.leaveParent()
  }
}

function newFamily(parent: AbortSignal): Family {
  const children = new Set<AbortController>()
  const abort = (): void => {
    families.delete(parent)
    for (const child of children) child.abort(parent.reason)
  }
  parent.addEventListener('abort', abort, { once: true })
  const family = { children, leaveParent: () => parent.removeEventListener('abort', abort) }
  families.set(parent, family)
  return family
}
