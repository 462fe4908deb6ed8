// One stored file: its CID, and its blocks as squares coloured by their hash, so that equal blocks look equal.

import { useSignal } from '@preact/signals'

import { formatBytes, formatCount } from '../src/lib/format.ts'
import type { Seconds } from '../src/lib/units.ts'
import type { Cid } from '../src/protocol/cid.ts'
import { contentBytes } from '../src/protocol/manifest.ts'
import type { Stored } from './pagestate.ts'
import type { Session } from './session.ts'
import { SlotGrid } from './slotgrid.tsx'

export function BlockGrid({ session }: { readonly session: Session }) {
  const stored = session.state.stored.value
  if (stored === undefined) return null
  const { cid, manifest } = stored
  return (
    <section class="card" aria-labelledby="stored" data-testid="stored">
      <h2 id="stored" class="clip">
        {manifest.filename ?? 'A file'}
      </h2>
      <CidLine key={String(cid)} session={session} cid={cid} />
      <p class="quiet">{describe(stored)}</p>
      {stored.expiry !== undefined && (
        <p class="quiet" data-testid="expiry">
          Kept until {dayOf(stored.expiry)}
          {manifest.kind === 'plain' && '; store it again to keep it longer'}.
        </p>
      )}
      <Squares stored={stored} />
      <SlotGrid key={`slots of ${String(cid)}`} session={session} entry={stored} />
    </section>
  )
}

function CidLine({ session, cid }: { readonly session: Session; readonly cid: Cid }) {
  const words = useSignal<'Copy CID' | 'Copied' | 'Select and copy it'>('Copy CID')
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(String(cid))
      words.value = 'Copied'
    } catch {
      // The browser keeps the clipboard from this page: the text is there to be selected.
      words.value = 'Select and copy it'
    }
    session.say(words.value)
  }
  return (
    <div class="row">
      <code class="cid grow" data-testid="cid">
        {String(cid)}
      </code>
      <button type="button" onClick={() => void copy()}>
        {words}
      </button>
    </div>
  )
}

function describe({ manifest, blocks, blocksPerSquare }: Stored): string {
  const size = formatBytes(contentBytes(manifest))
  const count = `${formatCount(blocks, 'block')} of ${formatBytes(manifest.blockSize)}`
  const scale = blocksPerSquare === 1 ? '' : `; each square stands for ${blocksPerSquare}`
  return `${size} in ${count}${scale}`
}

function dayOf(time: Seconds): string {
  return new Date(time * 1000).toLocaleDateString('en', { dateStyle: 'long' })
}

function Squares({ stored: { squares, blocks } }: { readonly stored: Stored }) {
  return (
    <div class="squares" role="img" aria-label={`A picture of ${formatCount(blocks, 'block')}`}>
      {squares.map((cid, i) => (
        <span key={i} title={String(cid)} style={{ background: colourOf(cid) }} />
      ))}
    </div>
  )
}

/** The hash is even, so its first bytes are as good as any. */
function colourOf({ digest }: Cid): string {
  const [first = 0, second = 0, third = 0] = digest
  return `hsl(${130 + (first / 255) * 110} ${30 + (second / 255) * 30}% ${38 + (third / 255) * 24}%)`
}
