// A second, small server for Prometheus alone, as other nodes have it: GET /metrics, and nothing else. On loopback it wants no token.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type GuardPolicy, refusalOf } from './guardrequest.ts'
import { close, hostPolicy, isReachable, listen, type RestServer, urlOf } from './listen.ts'
import { METRICS_TYPE, metricsText } from './metrics.ts'
import type { RestParts } from './restparts.ts'

const MAX_CONNECTIONS = 16
const TIMEOUT_MS = 10_000

export interface MetricsPlace {
  readonly address: string
  readonly port: number
  /** Names it is asked under besides that address, and those of loopback. */
  readonly hosts?: readonly string[] | undefined
  /** Wanted where others than this machine can reach it. */
  readonly token: string
}

/** Listens until stopped. @throws CodexError `rest/cannot-listen` */
export async function startMetrics(parts: Omit<RestParts, 'background'>, place: MetricsPlace): Promise<RestServer> {
  const { address, hosts, token } = place
  const policy = { hosts: hostPolicy(address, hosts), corsOrigins: [], token, needsToken: isReachable(place) }
  const server = createServer((request, response) => {
    answer(request, response, parts, policy).catch((error: unknown) => {
      parts.log.error('metrics could not be told', { error })
      response.destroy()
    })
  })
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = TIMEOUT_MS
  server.requestTimeout = TIMEOUT_MS
  const port = await listen(server, place, ['--metrics-address', '--metrics-port'], parts.log)
  return { url: urlOf(place.address, port), stop: () => close(server) }
}

async function answer(
  { method = 'GET', url = '/', headers }: IncomingMessage,
  response: ServerResponse,
  parts: Omit<RestParts, 'background'>,
  policy: GuardPolicy,
): Promise<void> {
  const refusal = refusalOf({ method, target: url, headers }, policy)
  const isAsked = method === 'GET' && url.split('?')[0] === '/metrics'
  response.setHeader('Content-Type', refusal === undefined && isAsked ? METRICS_TYPE : 'text/plain; charset=utf-8')
  response.statusCode = refusal?.status ?? (isAsked ? 200 : 404)
  if (response.statusCode === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  response.end(refusal?.text ?? (isAsked ? await metricsText(parts) : 'There is nothing at this path'))
}
