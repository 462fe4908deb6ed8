// The rows of /storage: what this node buys (marketplace reference §8, paths, status codes and compared texts).

import type { Hono } from 'hono'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { parseCid } from '../protocol/cid.ts'
import { documentIn } from './bodydocument.ts'
import { type BuyingDesk, purchaseOffer } from './buyingdesk.ts'
import { jsonAnswer } from './jsonanswer.ts'
import { withOrWithout } from './dataroutes.ts'
import { newPurchase, purchaseOf } from './marketdocuments.ts'
import type { Buying, MarketplaceParts } from './marketparts.ts'
import { idIn } from './pathid.ts'
import { plainStatusOf } from './plainstatus.ts'
import type { RestContext, RestEnv, RestParts } from './restparts.ts'
import { NO_MARKET } from './salesroutes.ts'

export function storageRoutes(app: Hono<RestEnv>, parts: RestParts, desk: BuyingDesk): void {
  const buying = async (
    c: RestContext,
    answer: (role: { readonly marketplace: MarketplaceParts; readonly buying: Buying }) => Promise<Response>,
  ): Promise<Response> => {
    const marketplace = parts.marketplace.parts()
    const role = marketplace?.buying
    return marketplace === undefined || role === undefined
      ? c.text(NO_MARKET, 503)
      : answer({ marketplace, buying: role })
  }
  app.on('POST', withOrWithout('/storage/request/'), (c) =>
    buying(c, async ({ marketplace }) => {
      const cid = cidIn(c)
      if (cid === undefined) return c.text('Incorrect Cid', 400)
      const offer = purchaseOffer(await documentIn(c, newPurchase), marketplace.market.terms)
      try {
        const purchase = await desk.buy(marketplace, { cid, offer }, c)
        return c.text(purchase.id.slice(2))
      } catch (error) {
        // This row has no other status for a dataset that is not to be had.
        if (CodexError.is(error) && plainStatusOf(error) === 404) return c.text(error.message, 500)
        throw error
      }
    }),
  )
  app.get('/storage/purchases', (c) =>
    buying(c, async ({ buying: { purchasing } }) =>
      jsonAnswer(
        c,
        purchasing.purchases.map(({ id }) => id),
      ),
    ),
  )
  app.get('/storage/purchases/:id', (c) =>
    buying(c, async (role) => {
      const purchase = role.buying.purchasing.purchase(idIn(c, 'purchase'))
      return purchase === undefined ? c.text('Purchase not found', 404) : jsonAnswer(c, purchaseOf(purchase))
    }),
  )
}

function cidIn(c: RestContext): Cid | undefined {
  try {
    return parseCid(c.req.param('cid') ?? '')
  } catch (error) {
    if (!CodexError.is(error)) throw error
    return undefined
  }
}
