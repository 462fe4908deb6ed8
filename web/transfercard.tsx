// The file on its way in or out: how far, how fast, how long still, and a way to stop it.

import { formatBytes, formatDuration } from '../src/lib/format.ts'
import type { Transfer } from './pagestate.ts'

interface Parts {
  readonly transfer: Transfer | undefined
  readonly cancel: () => void
}

export function TransferCard({ transfer, cancel }: Parts) {
  if (transfer === undefined) return null
  const { what, filename, totalBytes, doneBytes } = transfer
  return (
    <section class="card" aria-labelledby="transfer">
      <h2 id="transfer" class="clip">
        {what} {filename}
      </h2>
      <progress aria-label={`${what} ${filename}`} max={Math.max(1, totalBytes)} value={doneBytes} />
      <div class="row">
        <p class="quiet grow">{describe(transfer)}</p>
        <button type="button" onClick={cancel}>
          Cancel
        </button>
      </div>
    </section>
  )
}

function describe({ totalBytes, doneBytes, bytesPerSecond, secondsLeft }: Transfer): string {
  const parts = [`${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`]
  if (bytesPerSecond > 0) parts.push(`${formatBytes(Math.round(bytesPerSecond))}/s`)
  if (secondsLeft !== undefined) parts.push(`${formatDuration(secondsLeft)} left`)
  return parts.join(' · ')
}
