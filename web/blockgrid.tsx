// One stored file: its CID, and its blocks as squares coloured by their hash, so that equal blocks look equal.

import { useSignal } from '@preact/signals'

import { formatBytes } from '../src/lib/format.ts'
import type { Cid } from '../src/protocol/cid.ts'
import { contentBytes } from '../src/protocol/manifest.ts'
import type { Session, Stored } from './session.ts'

/** Squares in a row; the picture scales with the page. */
const COLUMNS = 40
const PITCH = 10
const SIDE = 8

export function BlockGrid({ session }: { readonly session: Session }) {
  const stored = session.stored.value
  if (stored === undefined) return null
  const { cid, manifest } = stored
  return (
    <section class="card" aria-labelledby="stored" data-testid="stored">
      <h2 id="stored" class="clip">
        {manifest.filename ?? 'A file'}
      </h2>
      <CidLine key={String(cid)} cid={cid} />
      <p class="quiet">{describe(stored)}</p>
      <Squares stored={stored} />
    </section>
  )
}

function CidLine({ cid }: { readonly cid: Cid }) {
  const copied = useSignal<'' | 'Copied' | 'Select it and copy'>('')
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(String(cid))
      copied.value = 'Copied'
    } catch {
      // The browser keeps the clipboard from this page: the text is there to be selected.
      copied.value = 'Select it and copy'
    }
  }
  return (
    <div class="row">
      <code class="cid grow" data-testid="cid">
        {String(cid)}
      </code>
      <button type="button" onClick={() => void copy()}>
        Copy CID
      </button>
      <span class="quiet" role="status">
        {copied}
      </span>
    </div>
  )
}

function describe({ manifest, blocks, blocksPerSquare }: Stored): string {
  const size = formatBytes(contentBytes(manifest))
  const count = `${blocks} ${blocks === 1 ? 'block' : 'blocks'} of ${formatBytes(manifest.blockSize)}`
  const scale = blocksPerSquare === 1 ? '' : `; each square stands for ${blocksPerSquare}`
  return `${size} in ${count}${scale}`
}

function Squares({ stored: { squares, blocks } }: { readonly stored: Stored }) {
  const columns = Math.min(COLUMNS, Math.max(squares.length, 1))
  const rows = Math.ceil(squares.length / columns)
  return (
    <svg
      class="squares"
      viewBox={`0 0 ${COLUMNS * PITCH} ${rows * PITCH}`}
      role="img"
      aria-label={`A picture of ${blocks} ${blocks === 1 ? 'block' : 'blocks'}`}
    >
      {squares.map((cid, i) => (
        <rect
          key={i}
          x={(i % columns) * PITCH}
          y={Math.floor(i / columns) * PITCH}
          width={SIDE}
          height={SIDE}
          rx={1.5}
          fill={colourOf(cid)}
        >
          <title>{String(cid)}</title>
        </rect>
      ))}
    </svg>
  )
}

/** The hash is even, so its first bytes are as good as any. */
function colourOf({ digest }: Cid): string {
  const [first = 0, second = 0, third = 0] = digest
  return `hsl(${130 + (first / 255) * 110} ${30 + (second / 255) * 30}% ${38 + (third / 255) * 24}%)`
}
