// The slots of one file: a row of squares for each, filling up while it is hashed. Before there are any, the form that makes them.

import { useSignal } from '@preact/signals'

import { formatBytes, formatCount } from '../src/lib/format.ts'
import type { Entry, SlotPicture } from './pagestate.ts'
import type { Session } from './session.ts'

/** As a storage request has them when it names none. */
const DEFAULT_NODES = 3
const DEFAULT_TOLERANCE = 1
const MAX_NODES = 256
/** Squares of all slots together, and of one: more would be too small to see. */
const MAX_SQUARES = 512
const MAX_SQUARES_PER_SLOT = 32

interface Part {
  readonly session: Session
}

export function SlotGrid({ session, entry }: Part & { readonly entry: Entry }) {
  const picture = session.state.slots.value
  if (picture !== undefined) return <Slots picture={picture} />
  const canProtect = session.state.role.value.at === 'leading' && entry.manifest.kind === 'plain'
  return canProtect ? <ProtectForm session={session} entry={entry} /> : null
}

function ProtectForm({ session, entry }: Part & { readonly entry: Entry }) {
  const nodes = useSignal(DEFAULT_NODES)
  const tolerance = useSignal(DEFAULT_TOLERANCE)
  const isBusy = session.state.transfer.value !== undefined
  const submit = (event: Event): void => {
    event.preventDefault()
    void session.protect(entry, { nodes: nodes.value, tolerance: tolerance.value })
  }
  return (
    <form class="row fact" onSubmit={submit} aria-label="Protect">
      <p class="quiet grow">
        Protect it: cut it into slots with parity, each for a node of its own, that can be proven and of which some may
        be lost.
      </p>
      <label>
        Slots{' '}
        <NumberField
          label="Slots"
          value={nodes.value}
          min={2}
          max={MAX_NODES}
          onInput={(value) => (nodes.value = value)}
        />
      </label>
      <label>
        May be lost{' '}
        <NumberField
          label="May be lost"
          value={tolerance.value}
          min={1}
          max={Math.max(1, Math.floor(nodes.value / 2))}
          onInput={(value) => (tolerance.value = value)}
        />
      </label>
      <button type="submit" disabled={isBusy}>
        Protect
      </button>
    </form>
  )
}

function NumberField(props: {
  readonly label: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly onInput: (value: number) => void
}) {
  const { label, value, min, max, onInput } = props
  return (
    <input
      type="number"
      aria-label={label}
      required
      min={min}
      max={max}
      step={1}
      value={value}
      onInput={(event) => {
        // What is not a number in bounds the browser refuses when the form is sent.
        if (event.currentTarget.validity.valid) onInput(event.currentTarget.valueAsNumber)
      }}
    />
  )
}

function Slots({ picture: { slots, ecK, slotBytes } }: { readonly picture: SlotPicture }) {
  const perSlot = Math.max(1, Math.min(MAX_SQUARES_PER_SLOT, Math.floor(MAX_SQUARES / slots.length)))
  const [first] = slots
  const whole = slots.filter(({ doneBlocks, blocks }) => doneBlocks === blocks).length
  const words = `${formatCount(slots.length, 'slot')} of ${first?.blocks ?? 0} blocks, ${whole} of them done`
  return (
    <div class="fact" data-testid="slots" data-whole={whole}>
      <p class="quiet">
        {ecK} slots of data and {slots.length - ecK} of parity: any {ecK} of them bring the file back.
        {slotBytes !== undefined && ` A slot takes ${formatBytes(slotBytes)} of a provider.`}
      </p>
      <div class="slots" role="img" aria-label={words}>
        {slots.map(({ index, doneBlocks, blocks }) => (
          <div key={index} class="slot" data-kind={index < ecK ? 'data' : 'parity'} title={`Slot ${index}`}>
            <Squares count={Math.min(perSlot, blocks)} share={blocks === 0 ? 1 : doneBlocks / blocks} />
          </div>
        ))}
      </div>
    </div>
  )
}

function Squares({ count, share }: { readonly count: number; readonly share: number }) {
  const full = share * count
  return (
    <>
      {Array.from({ length: count }, (_, i) => (
        <span key={i} style={{ '--full': Math.max(0, Math.min(1, full - i)) }} />
      ))}
    </>
  )
}
