// Our own rows for those who watch a node: whether it is ready, how it is, what happens (as server-sent events), numbers for Prometheus, and the document that
// describes all rows.

import type { Hono } from 'hono'
import type { AbortOptions } from '../lib/abort.ts'
import { PatientPull } from '../lib/patientpull.ts'
import { plainText } from '../lib/plainvalue.ts'
import type { Seconds } from '../lib/units.ts'
import { bodyOf, signalOf } from './bodyof.ts'
import { jsonAnswer } from './jsonanswer.ts'
import { jsonText } from './jsontext.ts'
import { METRICS_TYPE, metricsText } from './metrics.ts'
import { openApi } from './openapi.ts'
import type { News } from './newshub.ts'
import { marketStatusOf, saleOf } from './ownmarketdocuments.ts'
import type { MarketplaceDoor, RestEnv, RestParts } from './restparts.ts'

/** Between two looks at the state, for those who listen. */
const LOOK_SECONDS: Seconds = 1
/** After so many looks without anything new, a sign of life. */
const QUIET_LOOKS = 15

export function watchRoutes(app: Hono<RestEnv>, parts: RestParts): void {
  app.get('/readiness', (c) => {
    const readiness = readinessOf(parts.marketplace)
    return jsonAnswer(c, readiness, readiness.ready ? 200 : 503)
  })
  app.get('/status', async (c) => jsonAnswer(c, await statusOf(parts)))
  app.get('/events', async (c) => {
    const signal = signalOf(c)
    // Before anything is awaited: from here on nothing is missed.
    const news = parts.hub.listen({ signal })
    return c.body(await bodyOf(eventTexts(parts, news, { signal }), { signal }), 200, {
      'Content-Type': 'text/event-stream',
    })
  })
  app.get('/metrics', async (c) => c.body(await metricsText(parts), 200, { 'Content-Type': METRICS_TYPE }))
  app.get('/openapi.json', (c) => c.json(openApi(parts.version)))
}

/** Whether it does all it was started for, and why not. */
export function readinessOf(door: MarketplaceDoor) {
  const reasons: string[] = []
  const marketplace = door.parts()
  const waiting = door.waiting()
  if (marketplace === undefined && door.isWanted)
    reasons.push(`the marketplace was not entered yet${waiting === undefined ? '' : `: ${plainText(waiting.problem)}`}`)
  if (marketplace !== undefined) {
    const { state, problem } = marketplace.market.endpointStatus()
    if (state !== 'connected') reasons.push(`the chain: ${problem ?? state}`)
    for (const hold of marketplace.selling?.holds ?? [])
      if (hold !== 'paused') reasons.push(`nothing is sold yet: ${hold}`)
  }
  return { ready: reasons.length === 0, reasons }
}

async function statusOf({ node, network, version, clock, startedAt, marketplace: door }: RestParts) {
  const marketplace = door.parts()
  return {
    version,
    uptimeSeconds: clock.now() - startedAt,
    peerId: network.peerId,
    addresses: network.addresses(),
    peers: network.peers().length,
    space: { ...(await node.repo.space()) },
    ...readinessOf(door),
    marketplace: marketplace === undefined ? null : marketStatusOf(marketplace),
  }
}

/** All news under their names, and `status` at first and whenever something of it has changed. */
async function* eventTexts(
  parts: RestParts,
  news: AsyncGenerator<News, void>,
  { signal }: AbortOptions,
): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder()
  const event = (name: string, data: string): Uint8Array => encoder.encode(`event: ${name}\ndata: ${data}\n\n`)
  let told = ''
  let quiet = 0
  const pull = new PatientPull(news, parts.clock)
  try {
    for (;;) {
      const status = liveStatus(parts)
      if (status !== told) yield event('status', (told = status))
      const found = await pull.atMost(LOOK_SECONDS, { signal })
      if (found === undefined) {
        if (++quiet % QUIET_LOOKS === 0) yield encoder.encode(': still here\n\n')
        continue
      }
      if (found.done === true) return
      quiet = 0
      yield event(found.value.event, JSON.stringify(found.value.data))
    }
  } finally {
    // It may wait for a record that never comes.
    void news.return()
  }
}

/** Without what changes by itself. */
function liveStatus({ marketplace: door }: RestParts): string {
  const marketplace = door.parts()
  const { now: _, ...status } = marketplace === undefined ? { now: 0 } : marketStatusOf(marketplace)
  return jsonText({
    ...readinessOf(door),
    marketplace: marketplace === undefined ? null : status,
    sales: marketplace?.selling?.list().map(saleOf) ?? null,
  })
}
