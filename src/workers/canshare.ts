// Whether threads can share memory here. The pool works either way; only what a job passes may differ.

/**
 * True when a `SharedArrayBuffer` can be sent to a worker: in Node always, in a tab only where the page is cross-origin isolated, that is
 * served with COOP and COEP headers.
 */
export function canShare(): boolean {
  const scope = globalThis as { readonly SharedArrayBuffer?: unknown; readonly crossOriginIsolated?: boolean }
  return scope.SharedArrayBuffer !== undefined && scope.crossOriginIsolated !== false
}
