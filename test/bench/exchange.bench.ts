// A slot of 256 MiB fetched from a peer in another process over TCP, verified and stored, beside the same bytes over one raw stream of the same libp2p.

import { MiB } from '../../src/lib/units.ts'
import type { Course } from './exchangesides.ts'
import { courseOf, fetch, FETCH_FIGURES, raw, TCP, upload } from './exchangesides.ts'
import type { Bench, Place } from './harness.ts'

export const bench: Bench = {
  name: 'exchange',
  title: 'Fetch of 256 MiB over TCP, Node to Node',
  peerTitle: 'raw js-libp2p stream',
  rounds: 5,
  figures: FETCH_FIGURES,
  prepare: (place) => upload(course(place)),
  sides: { ours: (place) => fetch(course(place)), peer: (place) => raw(course(place)) },
}

function course(place: Place): Course {
  return courseOf(place, import.meta.url, TCP, 256 * MiB)
}

export { provide, sendRaw, watchChild } from './exchangesides.ts'
