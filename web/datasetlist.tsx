// The files in this store, with what can be done with each. Removing asks first.

import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'

import { formatBytes } from '../src/lib/format.ts'
import { contentBytes } from '../src/protocol/manifest.ts'
import type { DamagedEntry, Entry, Listing } from './pagestate.ts'
import { shortCid } from './shortcid.ts'

export interface DatasetActs {
  /** A file is on its way: one at a time. */
  readonly isBusy: boolean
  /** Absent where there is no picture of a file's blocks. */
  readonly show?: (entry: Entry) => void
  readonly save: (entry: Entry) => void
  readonly remove: (entry: Entry | DamagedEntry) => void
}

interface Parts {
  readonly listing: Listing
  /** Undefined for who only watches. */
  readonly acts: DatasetActs | undefined
}

/** Of the same file: what it has beyond its bytes. */
const KIND_WORDS = { protected: 'with parity', verifiable: 'in slots' } as const

export function DatasetList({ listing: { entries, hasMore }, acts }: Parts) {
  const asked = useSignal<Entry | DamagedEntry | undefined>(undefined)
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const ask = (entry: Entry | DamagedEntry): void => {
    asked.value = entry
    dialog.current?.showModal()
  }
  const answer = (isYes: boolean): void => {
    dialog.current?.close()
    if (!isYes || asked.value === undefined) return
    acts?.remove(asked.value)
    // The button that asked will be gone.
    heading.current?.focus()
  }
  return (
    <section class="card" aria-labelledby="files">
      <h2 id="files" ref={heading} tabIndex={-1}>
        Files in this store
      </h2>
      {entries.length === 0 && <p class="quiet">Nothing is stored yet.</p>}
      <ul class="files">
        {entries.map((entry) =>
          entry.manifest === undefined ? (
            <DamagedRow key={String(entry.cid)} acts={acts} entry={entry} ask={ask} />
          ) : (
            <Row key={String(entry.cid)} acts={acts} entry={entry} ask={ask} />
          ),
        )}
      </ul>
      {hasMore && <p class="quiet">There are more files than the {entries.length} shown here.</p>}
      <dialog ref={dialog} aria-labelledby="question">
        <p id="question">
          Remove <strong>{asked.value && nameOf(asked.value)}</strong> from this store? Its blocks are deleted here, for
          good.
        </p>
        <div class="row end">
          <button type="button" onClick={() => answer(false)}>
            Keep it
          </button>
          <button type="button" class="bad" onClick={() => answer(true)}>
            Remove it
          </button>
        </div>
      </dialog>
    </section>
  )
}

interface RowParts<Kind> extends Pick<Parts, 'acts'> {
  readonly entry: Kind
  readonly ask: (entry: Kind) => void
}

function Row({ acts, entry, ask }: RowParts<Entry>) {
  const name = nameOf(entry)
  const { mimetype } = entry.manifest
  return (
    <li data-testid="file">
      <div class="grow">
        <p class="clip name">{name}</p>
        <p class="quiet clip">
          {formatBytes(contentBytes(entry.manifest))}
          {mimetype !== undefined && ` · ${mimetype}`}
          {entry.manifest.kind !== 'plain' && ` · ${KIND_WORDS[entry.manifest.kind]}`}
          {' · '}
          <code title={String(entry.cid)}>{shortCid(entry.cid)}</code>
        </p>
      </div>
      {acts !== undefined && (
        <div class="acts">
          {acts.show !== undefined && (
            <button type="button" aria-label={`Show the CID and blocks of ${name}`} onClick={() => acts.show?.(entry)}>
              Show
            </button>
          )}
          <button type="button" aria-label={`Save ${name}`} disabled={acts.isBusy} onClick={() => acts.save(entry)}>
            Save
          </button>
          <RemoveButton isBusy={acts.isBusy} name={name} onClick={() => ask(entry)} />
        </div>
      )}
    </li>
  )
}

function DamagedRow({ acts, entry, ask }: RowParts<DamagedEntry>) {
  const { cid, problem } = entry
  return (
    <li data-testid="file" data-damaged="true">
      <div class="grow">
        <p class="clip name">
          Damaged · <code title={String(cid)}>{shortCid(cid)}</code>
        </p>
        <p class="quiet">{problem}</p>
      </div>
      {acts !== undefined && (
        <div class="acts">
          <RemoveButton isBusy={acts.isBusy} name={String(cid)} onClick={() => ask(entry)} />
        </div>
      )}
    </li>
  )
}

interface RemoveParts {
  readonly isBusy: boolean
  readonly name: string
  readonly onClick: () => void
}

function RemoveButton({ isBusy, name, onClick }: RemoveParts) {
  return (
    <button type="button" class="bad" aria-label={`Remove ${name}`} disabled={isBusy} onClick={onClick}>
      Remove
    </button>
  )
}

function nameOf({ cid, manifest }: Entry | DamagedEntry): string {
  return manifest?.filename ?? String(cid)
}
