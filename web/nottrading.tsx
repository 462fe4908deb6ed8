// Of a tab that wants into the marketplace and is not there: how far it is, why it waits, or why it cannot.

export type Entering =
  /** `problem`: why it is not there yet. */
  | { readonly at: 'joining'; readonly what: string; readonly problem?: string }
  | { readonly at: 'failed'; readonly problem: string }

interface Parts {
  readonly phase: Entering
  readonly isDemo: boolean
  readonly reload: () => void
}

export function NotTrading({ phase, isDemo, reload }: Parts) {
  if (phase.at === 'failed')
    return (
      <div class="banner bad" role="alert">
        <p>{phase.problem}</p>
        <button type="button" onClick={reload}>
          Reload the page
        </button>
      </div>
    )
  return (
    <>
      <p class="quiet" role="status">
        {phase.what}
      </p>
      {phase.problem !== undefined && (
        <div class="banner bad" role="alert">
          <p>{phase.problem}</p>
          {!isDemo && (
            <button type="button" onClick={reload}>
              Change the network
            </button>
          )}
        </div>
      )}
    </>
  )
}
