// The check of the accounting as it is stored, beside what is in memory. Run when selling starts, hourly, and after every step of a simulation.

import type { AbortOptions } from '../lib/abort.ts'
import type { SpaceLook } from '../storage/bookspace.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { checkReservations } from './checkreservations.ts'
import { readSalesRecords } from './readsalesrecords.ts'
import { takenRoom } from './manifestroom.ts'
import type { ReservationBooks } from './reservationbooks.ts'
import { availabilityToJson, reservationToJson } from './salesrecords.ts'

/** One sentence per breach. Only where nothing can change meanwhile. Rejects with the signal's reason. */
export async function checkStored(
  repo: RepoStore,
  books: ReservationBooks,
  { counters }: Pick<SpaceLook, 'counters'>,
  options: AbortOptions,
): Promise<string[]> {
  const { availabilities, reservations, damaged } = await readSalesRecords(repo.parts.datastore, options)
  const { quotaMaxBytes } = await repo.space()
  const problems = checkReservations({
    counters,
    quotaBytes: quotaMaxBytes + (await takenRoom(repo.parts.datastore, options)),
    availabilities: availabilities.values(),
    reservations,
  })
  if (
    !isSame(
      [...availabilities.values()].map(availabilityToJson),
      [...books.availabilities.values()].map(availabilityToJson),
    )
  )
    problems.push('the availabilities in memory are not those that are stored')
  if (!isSame(reservations.map(reservationToJson), [...books.reservations.values()].map(reservationToJson)))
    problems.push('the reservations in memory are not those that are stored')
  return [...damaged.map(({ why }) => why), ...problems]
}

function isSame(stored: readonly object[], known: readonly object[]): boolean {
  if (stored.length !== known.length) return false
  const texts = new Set(stored.map((each) => JSON.stringify(each)))
  return known.every((each) => texts.has(JSON.stringify(each)))
}
