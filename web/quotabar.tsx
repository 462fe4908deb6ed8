// The quota as a bar and in figures: used, reserved, free.

import { formatBytes, formatCount } from '../src/lib/format.ts'
import type { SpaceFacts } from './pagestate.ts'

export function QuotaBar({ space }: { readonly space: Omit<SpaceFacts, 'persisted'> }) {
  const { usedBytes, reservedBytes, totalBytes, blocks } = space
  const freeBytes = Math.max(0, totalBytes - usedBytes - reservedBytes)
  const percent = (bytes: number): string => `${totalBytes === 0 ? 0 : (100 * bytes) / totalBytes}%`
  const words = `${formatBytes(usedBytes)} used, ${formatBytes(reservedBytes)} reserved, ${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)}`
  return (
    <>
      <div class="bar" role="img" aria-label={words}>
        <span class="used" style={{ width: percent(usedBytes) }} data-any={usedBytes > 0} />
        <span class="reserved" style={{ width: percent(reservedBytes) }} data-any={reservedBytes > 0} />
      </div>
      <dl class="legend">
        <Amount kind="used" word="Used" bytes={usedBytes} />
        <Amount kind="reserved" word="Reserved" bytes={reservedBytes} />
        <Amount kind="free" word="Free" bytes={freeBytes} />
      </dl>
      <p class="quiet">
        {formatCount(blocks, 'block')}; this node may store {formatBytes(totalBytes)} at most.
      </p>
    </>
  )
}

function Amount({ kind, word, bytes }: { readonly kind: string; readonly word: string; readonly bytes: number }) {
  return (
    <div>
      <dt>
        <span class={`dot ${kind}`} aria-hidden="true" />
        {word}
      </dt>
      <dd data-testid={kind} data-bytes={bytes}>
        {formatBytes(bytes)}
      </dd>
    </div>
  )
}
