// The server of the REST surface: its socket, its limits in time and number, and the guard that looks at every request before anything else does.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { KiB } from '../lib/units.ts'
import { Scope } from '../lib/scope.ts'
import { limitBody } from './bodydeadline.ts'
import { type GuardPolicy, isOfPage, refusalOf } from './guardrequest.ts'
import { close, hostPolicy, isReachable, listen, type RestServer, urlOf } from './listen.ts'
import { corsHeaders, restApp } from './restapp.ts'
import { refusalAnswer } from './problemof.ts'
import type { RestParts } from './restparts.ts'

const MAX_CONNECTIONS = 256
const MAX_HEADER_BYTES = 16 * KiB
/** Of a request that is no upload: none of them has a body yet. */
const MAX_BODY_BYTES = 1024 * KiB
const HEADERS_TIMEOUT_MS = 10_000
/** A connection on which nothing moves for so long is closed; uploads and downloads may take as long as they move. */
const IDLE_TIMEOUT_MS = 120_000
/** For the whole body of a request that is no upload. */
const BODY_MS = 20_000
/** Longer than clients keep a connection for their next request: then it is they who close it, and no request meets a closed one. */
const KEEP_ALIVE_MS = 60_000

export interface RestSettings {
  readonly address: string
  /** 0 for any free one. */
  readonly port: number
  /** Names it is asked under besides that address, and those of loopback. */
  readonly hosts?: readonly string[] | undefined
  /** Whose pages may ask and read, besides its own; `*` is any. Default: none */
  readonly corsOrigins?: readonly string[] | undefined
  readonly token: string
  /** Also from this machine, for the rows that others know. */
  readonly wantsToken?: boolean
  /** Default: {@link BODY_MS} */
  readonly bodyMs?: number
  /** Answers what is not below `/api`: the page that shows this node. It holds no secret, so it wants no token. */
  readonly page?: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
}

/** Listens until stopped. @throws CodexError `rest/cannot-listen` */
export async function startRest(parts: Omit<RestParts, 'background'>, settings: RestSettings): Promise<RestServer> {
  const background = new Scope({
    report: (error, task) => parts.log.error('work for a request failed', { task, error }),
  })
  const { corsOrigins = [], page, bodyMs = BODY_MS } = settings
  const app = restApp({ ...parts, background }, corsOrigins)
  const handle = getRequestListener((request, env) => app.fetch(request, env), { overrideGlobalObjects: false })
  const policy = policyOf(settings)
  const limit = (request: IncomingMessage, response: ServerResponse): void => {
    if (!isUpload(request.method ?? 'GET', request.url ?? '/')) limitBody(request, response, bodyMs)
  }
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 0 }, (request, response) => {
    if (isRefused(request, response, policy)) return
    limit(request, response)
    if (page !== undefined && isOfPage(request.url)) {
      allowOrigins(request, response, policy)
      page(request, response)
    } else handle(request, response).catch(() => response.destroy())
  })
  server.maxConnections = MAX_CONNECTIONS
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.timeout = IDLE_TIMEOUT_MS
  server.keepAliveTimeout = KEEP_ALIVE_MS
  // Who asks before sending a body is told as soon as everyone else.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (isRefused(request, response, policy)) return
    limit(request, response)
    response.writeContinue()
    handle(request, response).catch(() => response.destroy())
  })
  const port = await listen(server, settings, ['--api-bindaddr', '--api-port'], parts.log)
  return {
    url: urlOf(settings.address, port),
    async stop() {
      const closed = close(server)
      await background.close()
      await closed
    },
  }
}

function isRefused(request: IncomingMessage, response: ServerResponse, policy: GuardPolicy): boolean {
  const { method = 'GET', url = '/', headers } = request
  const isLarge = Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES && !isUpload(method, url)
  const refusal = refusalOf({ method, target: url, headers }, policy)
  if (refusal === undefined && !isLarge) return false
  const status = refusal?.status ?? 413
  const text = refusal?.text ?? `Expected a body of at most ${MAX_BODY_BYTES} bytes`
  const { contentType, body } = refusalAnswer(url, status, text)
  response.statusCode = status
  allowOrigins(request, response, policy)
  response.setHeader('Content-Type', contentType)
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  // Whatever body follows is not read.
  response.setHeader('Connection', 'close')
  response.end(body)
  return true
}

function allowOrigins(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  { corsOrigins }: GuardPolicy,
): void {
  const asked = { method, target: url, origin: headers.origin }
  for (const [name, value] of corsHeaders(asked, corsOrigins)) response.setHeader(name, value)
}

function isUpload(method: string, url: string): boolean {
  return method === 'POST' && /^\/api\/(codex\/v1\/data|v1\/datasets)\/?(\?|$)/.test(url)
}

function policyOf({ address, hosts, corsOrigins = [], token, wantsToken = false, page }: RestSettings): GuardPolicy {
  return {
    hosts: hostPolicy(address, hosts),
    corsOrigins,
    token,
    needsToken: wantsToken || isReachable({ address, hosts }),
    hasPage: page !== undefined,
  }
}
