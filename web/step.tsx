// One step of several, done one after the other: the open one shows what there is to do, one that is done what came of it.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface StepParts {
  readonly at: number
  /** The one that is open. */
  readonly step: number
  readonly title: string
  /** What came of it, once it is done. */
  readonly done: string | undefined
  readonly open: () => void
  readonly children: ComponentChildren
}

export function Step({ at, step, title, done, open, children }: StepParts) {
  const heading = useRef<HTMLHeadingElement>(null)
  const before = useRef(step)
  useEffect(() => {
    // What was focused is hidden: keyboard and screen reader go on where the person does.
    if (at === step && before.current !== step) heading.current?.focus()
    before.current = step
  }, [at, step])
  return (
    <li aria-current={at === step ? 'step' : undefined}>
      <div class="row">
        <h3 class="grow" ref={heading} tabIndex={-1}>
          {title}
        </h3>
        {at !== step && done !== undefined && (
          <button type="button" onClick={open}>
            Change
          </button>
        )}
      </div>
      {at !== step && done !== undefined && <p class="quiet">{done}</p>}
      <div hidden={at !== step}>{children}</div>
    </li>
  )
}
