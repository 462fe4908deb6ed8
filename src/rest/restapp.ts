// The REST surface as one function from request to response: what every answer carries, which routes there are, how errors look. Sockets, and who may
// ask at all, are in startrest.ts.

import { Hono } from 'hono'
import { CodexError } from '../lib/errors.ts'
import { dataRoutes } from './dataroutes.ts'
import { BuyingDesk } from './buyingdesk.ts'
import { Intake } from './intake.ts'
import { nodeRoutes } from './noderoutes.ts'
import { methodsAt } from './operations.ts'
import { ownMarketRoutes } from './ownmarketroutes.ts'
import { ownRoutes } from './ownroutes.ts'
import { plainStatusOf } from './plainstatus.ts'
import { PROBLEM_TYPE, problemOf, problemText, refusalAnswer } from './problemof.ts'
import type { RestContext, RestEnv, RestParts } from './restparts.ts'
import { salesRoutes } from './salesroutes.ts'
import { inKnownWords } from './sellterms.ts'
import { slotRoutes } from './slotroutes.ts'
import { spaceRoutes } from './spaceroutes.ts'
import { storageRoutes } from './storageroutes.ts'
import { watchRoutes } from './watchroutes.ts'

/** Seconds that a browser need not ask again. */
const PREFLIGHT_SECONDS = '86400'

/** @param corsOrigins whose pages may read the answers; `*` is any */
export function restApp(parts: RestParts, corsOrigins: readonly string[]): Hono<RestEnv> {
  const app = new Hono<RestEnv>()
  app.use(async (c, next) => {
    await next()
    c.res.headers.set('X-Content-Type-Options', 'nosniff')
    c.res.headers.set('Cache-Control', 'no-store')
    const asked = { method: c.req.method, target: c.req.path, origin: c.req.header('origin') }
    for (const [name, value] of corsHeaders(asked, corsOrigins)) c.res.headers.set(name, value)
  })
  const codex = new Hono<RestEnv>()
  nodeRoutes(codex, parts)
  const intake = new Intake(parts)
  dataRoutes(codex, parts, intake)
  const desk = new BuyingDesk(parts)
  salesRoutes(codex, parts)
  storageRoutes(codex, parts, desk)
  codex.options('*', preflight)
  const own = new Hono<RestEnv>()
  ownRoutes(own, parts, intake)
  spaceRoutes(own, parts)
  slotRoutes(own, parts)
  watchRoutes(own, parts)
  ownMarketRoutes(own, parts, desk)
  own.options('*', preflight)
  own.onError((error, c) => {
    if (!CodexError.is(error)) tellUnexpected(parts, c, error)
    const { status, body } = problemOf(error)
    return c.body(problemText(status, body), status, { 'Content-Type': PROBLEM_TYPE })
  })
  app.route('/api/codex/v1', codex)
  app.route('/api/v1', own)
  app.notFound((c) => {
    const { contentType, body } = refusalAnswer(c.req.path, 404, 'There is nothing at this path')
    return c.body(body, 404, { 'Content-Type': contentType })
  })
  app.onError((error, c) => plainError(parts, c, error))
  return app
}

/** What a page's browser asks before it sends a request that it must not send everywhere. */
function preflight(c: RestContext): Response | Promise<Response> {
  return methodsAt(c.req.path).length === 0 ? c.notFound() : c.body(null, 204)
}

/**
 * On every answer, errors too, so that a page can read what went wrong.
 * @param target a path, with or without its query
 */
export function corsHeaders(
  { method = 'GET', target = '/', origin }: { readonly [Name in 'method' | 'target' | 'origin']: string | undefined },
  corsOrigins: readonly string[],
): [string, string][] {
  const isAny = corsOrigins.includes('*')
  const served = isAny ? '*' : (corsOrigins.find((each) => each === origin) ?? corsOrigins[0])
  if (served === undefined) return []
  const methods = method === 'OPTIONS' ? methodsAt(target.split('?')[0] ?? '') : [method]
  return [
    ['Access-Control-Allow-Origin', served],
    ['Access-Control-Allow-Methods', [...methods, 'OPTIONS'].join(', ')],
    ['Access-Control-Allow-Headers', 'content-type, content-disposition, authorization'],
    ['Access-Control-Expose-Headers', 'Content-Disposition'],
    ['Access-Control-Max-Age', PREFLIGHT_SECONDS],
    ...(isAny ? [] : ([['Vary', 'Origin']] as [string, string][])),
  ]
}

/** Status and plain text, as the reference answers. */
function plainError(parts: RestParts, c: RestContext, error: Error): Response {
  if (!CodexError.is(error)) {
    tellUnexpected(parts, c, error)
    return c.text('Something went wrong; the log of the node says what', 500)
  }
  const status = plainStatusOf(error)
  if (status === undefined) parts.log.warn('a request failed', { method: c.req.method, path: c.req.path, error })
  return c.text(inKnownWords(error), status ?? 500)
}

function tellUnexpected({ log }: RestParts, c: RestContext, error: unknown): void {
  log.error('a request met an unexpected error', { method: c.req.method, path: c.req.path, error })
}
