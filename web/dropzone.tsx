// Where a file enters: dropped, or chosen by click or key. One at a time.

import { useSignal } from '@preact/signals'

interface Parts {
  /** A file is on its way already. */
  readonly isBusy: boolean
  readonly store: (file: File) => void
}

export function DropZone({ isBusy, store }: Parts) {
  const isOver = useSignal(false)
  const take = (file: File | null | undefined): void => {
    if (file && !isBusy) store(file)
  }
  return (
    <label
      class="dropzone"
      data-over={isOver.value}
      data-busy={isBusy}
      onDragOver={(event) => {
        event.preventDefault()
        isOver.value = true
      }}
      onDragLeave={() => (isOver.value = false)}
      onDrop={(event) => {
        event.preventDefault()
        isOver.value = false
        take(event.dataTransfer?.files[0])
      }}
    >
      <svg class="arrow" viewBox="0 0 24 24" aria-hidden="true">
        <path d="M12 16V5m0 0L7.5 9.5M12 5l4.5 4.5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3" />
      </svg>
      <span>
        <strong>{isBusy ? 'One file at a time' : 'Drop a file here'}</strong>
        <span class="quiet">
          {isBusy ? 'the next can follow when this one is done' : 'or choose one from your device'}
        </span>
      </span>
      <input
        class="unseen"
        type="file"
        aria-label="Choose a file to store"
        // Not disabled: that would throw the focus away in the middle of the page.
        aria-disabled={isBusy}
        onClick={(event) => {
          if (isBusy) event.preventDefault()
        }}
        onChange={({ currentTarget }) => {
          take(currentTarget.files?.[0])
          // So that choosing the same file again is a change again.
          currentTarget.value = ''
        }}
      />
    </label>
  )
}
