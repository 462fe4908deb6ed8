// Randomness as the core sees it, so that one seed replays a whole run. Where it comes from is the platform's business.

export interface RandomSource {
  /** Evenly spread over [0, 1). Good enough to shuffle with, never for secrets. */
  fraction(): number
  /** Nobody can guess them, where the platform's own source stands behind it. */
  bytes(length: number): Uint8Array
}
