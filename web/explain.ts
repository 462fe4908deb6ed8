// Errors in one sentence for the person in front of the page: what happened and what to do. Details stay in the error.

import { CodexError } from '../src/lib/errors.ts'

const MAX_CHARS = 400

const NO_ROOM =
  'This browser has no more room for this site: free some disk space or remove files below, then try again.'
const WORKER_GONE =
  'The part of this tab that writes to disk has stopped: reload the page; everything stored before is still there.'
const REFUSED = 'The contract refused that: its terms or its state have changed; look again in a moment.'

const SENTENCES: ReadonlyMap<string, string> = new Map([
  [
    'store/quota-exceeded',
    'This file does not fit into the free space of this node: remove something below or choose a smaller file.',
  ],
  ['slab/full', NO_ROOM],
  ['datastore/full', NO_ROOM],
  ['worker/ended', WORKER_GONE],
  ['slab/closed', WORKER_GONE],
  [
    'erasure/too-small',
    'This file has too few blocks for so many slots: choose fewer slots, or let more of them be lost.',
  ],
  ['erasure/bad-code', 'At most half of the slots may be lost, and there are at most 256: choose other numbers.'],
  ['upload/empty', 'This file is empty: choose one with content.'],
  [
    'store/block-corrupted',
    'A part of this file was damaged on disk and is not handed out: store the file again to repair it.',
  ],
  ['store/corrupted-record', 'A record of this store is damaged: use “Check storage” below, then “Repair”.'],
  [
    'dataset/bought',
    'Hosts store this file for you and fetch it from here: it can be removed when the purchase is over.',
  ],
  ['dataset/sold', 'A slot of this file is sold and has to be proven: it can be removed when the request is over.'],
  ['dataset/manifest-lost', 'What describes this file is lost: store the file again, or remove what is left of it.'],
  [
    'datastore/lost',
    'The data of this site was cleared in the browser, and the stored files with it: reload the page to begin anew.',
  ],
  ['datastore/outdated', 'A newer release of this page is open in another tab: reload this one.'],
  [
    'market/unreachable',
    'The chain is out of reach: check its endpoint and this computer’s connection; the node goes on once it answers.',
  ],
  [
    'market/key-in-use',
    'Another tab of this browser sells with this key: use that one, or close it and reload this page. Two that sell with one key would cost each other proofs.',
  ],
  ['market/wrong-chain', 'The endpoint leads to another chain than the one this tab sells on: reload the page.'],
  [
    'proving/file-changed',
    'A circuit file is not what it was when it last proved: put it back as it was, or, where it was exchanged on purpose, put a sha256.json with the new hashes beside it.',
  ],
  ['market/failed', REFUSED],
  ['market/reverted', REFUSED],
  ['market/rpc-error', 'The endpoint of the chain refused that: try again in a moment, or use another endpoint.'],
  ['reservations/reserve-failed', 'So much space is not free here: remove something below, or offer less.'],
  ['reservations/bytes-out-of-bounds', 'Slots have taken more than that already: offer at least as much as they take.'],
  [
    'reservations/collateral-out-of-bounds',
    'More collateral than that is locked in slots already: name at least as much as is locked.',
  ],
  [
    'page/too-large-to-save',
    'This browser can save files only through memory, and this one is too large for that: use a browser based on Chromium.',
  ],
])

/** Never throws, whatever `error` is. */
export function explain(error: unknown): string {
  for (let cause: unknown = error; CodexError.is(cause); cause = cause.cause) {
    const sentence = SENTENCES.get(cause.code)
    if (sentence !== undefined) return sentence
  }
  if (error instanceof DOMException && (error.name === 'NotReadableError' || error.name === 'NotFoundError'))
    return 'The file changed or went away while it was read: choose it again.'
  if (CodexError.is(error)) return sentenceOf(withoutReverts(error.message))
  const found = error instanceof Error ? `${error.name}: ${error.message}` : 'an unknown error'
  return sentenceOf(`something unexpected happened, ${found}; reload the page and try again`)
}

/** Without what a contract or an endpoint said in its own words: those are for whoever reads logs. */
export function withoutReverts(text: string): string {
  return text
    .replace(/ \([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)?(?:: [^)]*)?\)(?=;|$)/g, '')
    .replace(/(the contract refused): .*?(?=; see the reason it gave|$)/s, '$1')
    .replace('; see the reason it gave', '')
    .replace(/(the endpoint refused) \w+: .*$/s, '$1 it')
}

function sentenceOf(text: string): string {
  const short = text.slice(0, MAX_CHARS)
  return `${short.charAt(0).toUpperCase()}${short.slice(1)}${/[.!?]$/.test(short) ? '' : '.'}`
}
