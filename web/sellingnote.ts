// Whether this browser was selling on a network of its person's choice when its tab was closed: then slots of it may wait for proofs.

const KEY = 'codex-light/sells'

export function noteSellingAnywhere(): void {
  localStorage.setItem(KEY, 'yes')
}

export function wasSellingAnywhere(): boolean {
  return localStorage.getItem(KEY) === 'yes'
}
