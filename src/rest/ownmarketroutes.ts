// Our own rows about the marketplace, under /api/v1: what the page and the verbs of the command line ask beyond what other programs know. Errors keep
// their codes.

import type { Hono } from 'hono'
import { CodexError } from '../lib/errors.ts'
import { parseCid } from '../protocol/cid.ts'
import { documentIn } from './bodydocument.ts'
import { signalOf } from './bodyof.ts'
import { type BuyingDesk, noMarket, noRole, purchaseOffer } from './buyingdesk.ts'
import { Draining } from './draining.ts'
import { jsonAnswer } from './jsonanswer.ts'
import {
  availabilityOf,
  changedAvailability,
  newAvailability,
  newPurchase,
  purchaseOf,
  reservationOf,
} from './marketdocuments.ts'
import type { Buying, MarketplaceParts, PurchaseLook, Selling } from './marketparts.ts'
import { alertDocuments, balanceOf, decisionOf, earningsOf, purchaseSlotsOf, saleOf } from './ownmarketdocuments.ts'
import { idIn, requestIdIn } from './pathid.ts'
import type { RestContext, RestEnv, RestParts } from './restparts.ts'
import { countIn, DEFAULT_DECISIONS, MAX_DECISIONS, MAX_ROWS } from './rowcount.ts'
import { freeQuota } from './salesroutes.ts'
import { newTerms, termChanges } from './sellterms.ts'

export function ownMarketRoutes(app: Hono<RestEnv>, parts: RestParts, desk: BuyingDesk): void {
  sellingRows(app, parts)
  buyingRows(app, parts, desk)
  app.get('/balance', async (c) => jsonAnswer(c, await balanceOf(market(parts), { signal: signalOf(c) })))
  app.get('/alerts', async (c) => jsonAnswer(c, await alertDocuments(parts.marketplace, { signal: signalOf(c) })))
}

function sellingRows(app: Hono<RestEnv>, parts: RestParts): void {
  app.get('/availability', (c) => jsonAnswer(c, selling(parts).reservations.availabilities().map(availabilityOf)))
  app.post('/availability', async (c) => {
    const provider = selling(parts)
    const terms = newTerms(await documentIn(c, newAvailability), await freeQuota(parts))
    return jsonAnswer(c, availabilityOf(await provider.createAvailability(terms)), 201)
  })
  app.patch('/availability/:id', async (c) => {
    const changes = termChanges(await documentIn(c, changedAvailability))
    return jsonAnswer(c, availabilityOf(await selling(parts).changeAvailability(idIn(c, 'availability'), changes)))
  })
  app.delete('/availability/:id', async (c) => {
    await selling(parts).reservations.delete(idIn(c, 'availability'))
    return c.body(null, 204)
  })
  app.get('/availability/:id/reservations', (c) =>
    jsonAnswer(c, selling(parts).reservations.reservationsOf(idIn(c, 'availability')).map(reservationOf)),
  )
  app.get('/sales', (c) => jsonAnswer(c, selling(parts).list().map(saleOf)))
  app.get('/sales/ended', (c) => jsonAnswer(c, selling(parts).ended().slice(0, countIn(c, MAX_ROWS)).map(saleOf)))
  app.get('/decisions', (c) => {
    const request = c.req.query('request')
    const id = request === undefined ? undefined : requestIdIn(request)
    return jsonAnswer(
      c,
      selling(parts)
        .decisions(countIn(c, MAX_DECISIONS, DEFAULT_DECISIONS), id)
        .map(decisionOf),
    )
  })
  app.get('/earnings', (c) => jsonAnswer(c, earningsOf(selling(parts), countIn(c, MAX_ROWS))))
  app.post('/pause', async (c) => {
    await selling(parts).pause()
    return paused(c, parts)
  })
  const draining = new Draining({ ...parts, drain: (options) => selling(parts).drain(options) })
  app.post('/resume', async (c) => {
    draining.leaveOff()
    await selling(parts).resume()
    return paused(c, parts)
  })
  app.post('/drain', async (c) => {
    await selling(parts).pause()
    draining.start()
    return paused(c, parts)
  })
}

function buyingRows(app: Hono<RestEnv>, parts: RestParts, desk: BuyingDesk): void {
  app.get('/purchases', (c) =>
    jsonAnswer(c, buying(parts).purchasing.purchases.slice(-countIn(c, MAX_ROWS)).map(purchaseOf)),
  )
  app.get('/purchases/:id', (c) => jsonAnswer(c, purchaseOf(purchaseIn(c, parts))))
  app.get('/purchases/:id/slots', async (c) =>
    jsonAnswer(c, await purchaseSlotsOf(market(parts), purchaseIn(c, parts), { signal: signalOf(c) })),
  )
  app.post('/purchases/:id/withdraw', async (c) =>
    jsonAnswer(c, purchaseOf(await buying(parts).purchasing.withdraw(idIn(c, 'purchase'), { signal: signalOf(c) }))),
  )
  app.post('/purchases/:id', async (c) => {
    const cid = parseCid(c.req.param('id'))
    const marketplace = market(parts)
    const offer = purchaseOffer(await documentIn(c, newPurchase), marketplace.market.terms)
    return jsonAnswer(c, purchaseOf(await desk.buy(marketplace, { cid, offer }, c)), 201)
  })
}

function purchaseIn(c: RestContext, parts: RestParts): PurchaseLook {
  const id = idIn(c, 'purchase')
  const purchase = buying(parts).purchasing.purchase(id)
  if (purchase !== undefined) return purchase
  throw new CodexError('purchase/not-found', `this node knows no purchase ${id}`, { detail: { id } })
}

function paused(c: RestContext, parts: RestParts): Response {
  const provider = selling(parts)
  return jsonAnswer(c, { holds: provider.holds, running: provider.list().length })
}

function market(parts: RestParts): MarketplaceParts {
  const found = parts.marketplace.parts()
  if (found === undefined) throw noMarket()
  return found
}

function selling(parts: RestParts): Selling {
  const found = market(parts).selling
  if (found === undefined) throw noRole('provider')
  return found
}

function buying(parts: RestParts): Buying {
  const found = market(parts).buying
  if (found === undefined) throw noRole('client')
  return found
}
