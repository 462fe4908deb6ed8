// The most memory that this process has had at any time.

import { readFileSync } from 'node:fs'

/** In MiB. `resourceUsage` will not do on Linux: it counts in what the parent had when it forked. */
export function peakRssMiB() {
  try {
    const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (peak !== undefined) return Number(peak) / 1024
  } catch {
    // Only Linux has that file.
  }
  return process.resourceUsage().maxRSS / 1024
}
