// Whether this browser was selling, or buying, on a network of its person's choice when its tab was closed: then slots of it may wait for proofs, or purchases to be
// looked after.

const KEY = 'codex-light/sells'

export function noteSellingAnywhere(): void {
  localStorage.setItem(KEY, 'yes')
}

export function wasSellingAnywhere(): boolean {
  return localStorage.getItem(KEY) === 'yes'
}

const BUYS_KEY = 'codex-light/buys'

export function noteBuyingAnywhere(): void {
  localStorage.setItem(BUYS_KEY, 'yes')
}

export function wasBuyingAnywhere(): boolean {
  return localStorage.getItem(BUYS_KEY) === 'yes'
}
