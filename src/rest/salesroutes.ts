// The rows of /sales: what is sold on which terms, and which slots are ours (marketplace reference §8, paths, status codes and compared texts).

import type { Hono } from 'hono'
import { CodexError } from '../lib/errors.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import { documentIn } from './bodydocument.ts'
import { signalOf } from './bodyof.ts'
import { jsonAnswer } from './jsonanswer.ts'
import { availabilityOf, changedAvailability, newAvailability, requestOf, reservationOf } from './marketdocuments.ts'
import type { MarketplaceParts, SaleLook, Selling } from './marketparts.ts'
import { idIn } from './pathid.ts'
import type { RestContext, RestEnv, RestParts } from './restparts.ts'
import { newTerms, termChanges } from './sellterms.ts'

export const NO_MARKET = 'Persistence is not enabled'
/** Slots asked about at once. */
const SLOTS_AT_ONCE = 16

interface Role {
  readonly marketplace: MarketplaceParts
  readonly selling: Selling
}

export function salesRoutes(app: Hono<RestEnv>, parts: RestParts): void {
  const selling = async (c: RestContext, answer: (role: Role) => Promise<Response>): Promise<Response> => {
    const marketplace = parts.marketplace.parts()
    const role = marketplace?.selling
    return marketplace === undefined || role === undefined
      ? c.text(NO_MARKET, 503)
      : answer({ marketplace, selling: role })
  }
  app.get('/sales/slots', (c) =>
    selling(c, async ({ marketplace: { market } }) => {
      const options = { signal: signalOf(c) }
      const ids = await market.mySlots(options)
      const slots = await mapBounded(ids, SLOTS_AT_ONCE, async (id) => {
        const slot = await market.activeSlot(id, options).catch((error: unknown) => {
          // One that cannot be resolved is passed over (marketplace reference §4.1); an endpoint that does not answer tells nothing of any.
          if (!CodexError.is(error, 'market/bad-answer') && !CodexError.is(error, 'market/answer-too-long')) throw error
          parts.log.warn('a slot of ours was left out of a list', { slotId: id, error })
          return undefined
        })
        return slot && { id, request: requestOf(slot.requestId, slot.request), slotIndex: slot.slotIndex }
      })
      return jsonAnswer(
        c,
        slots.filter((slot) => slot !== undefined),
      )
    }),
  )
  app.get('/sales/slots/:id', (c) =>
    selling(c, async (role) => {
      const id = idIn(c, 'slot')
      const agent = role.selling.list().find(({ slotId }) => slotId === id)
      if (agent === undefined) return c.text('Provider not filling slot', 404)
      return jsonAnswer(c, await agentDocument(agent, role, signalOf(c)))
    }),
  )
  app.get('/sales/availability', (c) =>
    selling(c, async ({ selling: { reservations } }) =>
      jsonAnswer(c, reservations.availabilities().map(availabilityOf)),
    ),
  )
  app.post('/sales/availability', (c) =>
    selling(c, async ({ selling: provider }) => {
      const terms = newTerms(await documentIn(c, newAvailability), await freeQuota(parts))
      return jsonAnswer(c, availabilityOf(await provider.createAvailability(terms)), 201)
    }),
  )
  app.patch('/sales/availability/:id', (c) =>
    selling(c, async ({ selling: provider }) => {
      const id = idIn(c, 'availability')
      const given = await documentIn(c, changedAvailability)
      if (provider.reservations.availability(id) === undefined) return c.text('Availability not found', 404)
      await provider.changeAvailability(id, termChanges(given))
      return c.body(null, 204)
    }),
  )
  app.get('/sales/availability/:id/reservations', (c) =>
    selling(c, async ({ selling: { reservations } }) => {
      const id = idIn(c, 'availability')
      if (reservations.availability(id) === undefined) return c.text('Availability not found', 404)
      return jsonAnswer(c, reservations.reservationsOf(id).map(reservationOf))
    }),
  )
}

export async function freeQuota({ node }: RestParts): Promise<number> {
  const { quotaMaxBytes, quotaUsedBytes, quotaReservedBytes } = await node.repo.space()
  return quotaMaxBytes - quotaUsedBytes - quotaReservedBytes
}

async function agentDocument(agent: SaleLook, { marketplace }: Role, signal: AbortSignal) {
  const { requestId, slotIndex } = agent
  const request = await marketplace.market.request(requestId, { signal })
  const { reservation } = agent
  return {
    state: agent.state,
    requestId,
    slotIndex,
    request: request === undefined ? null : requestOf(requestId, request),
    reservation: reservation === undefined ? null : reservationOf(reservation),
  }
}
