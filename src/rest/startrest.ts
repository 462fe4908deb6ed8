// The server of the REST surface: its socket, its limits in time and number, and the guard that looks at every request before anything else does.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { networkInterfaces } from 'node:os'
import { getRequestListener } from '@hono/node-server'
import { CodexError } from '../lib/errors.ts'
import { KiB } from '../lib/units.ts'
import { Scope } from '../lib/scope.ts'
import { LOOPBACK_HOSTS, type GuardPolicy, refusalOf } from './guardrequest.ts'
import { corsHeaders, restApp } from './restapp.ts'
import type { RestParts } from './restparts.ts'

const MAX_CONNECTIONS = 256
const MAX_HEADER_BYTES = 16 * KiB
/** Of a request that is no upload: none of them has a body yet. */
const MAX_BODY_BYTES = 1024 * KiB
const HEADERS_TIMEOUT_MS = 10_000
/** A connection on which nothing moves for so long is closed; uploads and downloads may take as long as they move. */
const IDLE_TIMEOUT_MS = 120_000
/** How long an answer that is almost done may take when the server stops. */
const CLOSING_MS = 1000

export interface RestSettings {
  readonly address: string
  /** 0 for any free one. */
  readonly port: number
  readonly corsOrigin?: string | undefined
  readonly token: string
}

export interface RestServer {
  /** Of this server's root. */
  readonly url: string
  /** Settles when no request is under way. Never rejects. */
  stop(): Promise<void>
}

/** Listens until stopped. @throws CodexError `rest/cannot-listen` */
export async function startRest(parts: Omit<RestParts, 'background'>, settings: RestSettings): Promise<RestServer> {
  const background = new Scope({
    report: (error, task) => parts.log.error('work for a request failed', { task, error }),
  })
  const { corsOrigin } = settings
  const app = restApp({ ...parts, background }, corsOrigin)
  const handle = getRequestListener((request, env) => app.fetch(request, env), { overrideGlobalObjects: false })
  const policy = policyOf(settings)
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 0 }, (request, response) => {
    if (!isRefused(request, response, policy, corsOrigin)) handle(request, response).catch(() => response.destroy())
  })
  server.maxConnections = MAX_CONNECTIONS
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.timeout = IDLE_TIMEOUT_MS
  // Who asks before sending a body is told as soon as everyone else.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (isRefused(request, response, policy, corsOrigin)) return
    response.writeContinue()
    handle(request, response).catch(() => response.destroy())
  })
  const port = await listen(server, settings)
  return {
    url: `http://${inUrl(settings.address)}:${port}/`,
    async stop() {
      const closed = close(server)
      await background.close()
      await closed
    },
  }
}

function isRefused(
  request: IncomingMessage,
  response: ServerResponse,
  policy: GuardPolicy,
  corsOrigin: string | undefined,
): boolean {
  const { method = 'GET', url = '/', headers } = request
  const isLarge = Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES && !isUpload(method, url)
  const refusal = refusalOf({ method, target: url, headers }, policy)
  if (refusal === undefined && !isLarge) return false
  response.statusCode = refusal?.status ?? 413
  for (const [name, value] of corsHeaders(method, corsOrigin)) response.setHeader(name, value)
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  if (response.statusCode === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  // Whatever body follows is not read.
  response.setHeader('Connection', 'close')
  response.end(refusal?.text ?? `Expected a body of at most ${MAX_BODY_BYTES} bytes`)
  return true
}

function isUpload(method: string, url: string): boolean {
  return method === 'POST' && /^\/api\/(codex\/v1\/data|v1\/datasets)\/?(\?|$)/.test(url)
}

function policyOf({ address, corsOrigin, token }: RestSettings): GuardPolicy {
  const isLoopback = /^(127\.|::1$|localhost$)/.test(address)
  // Bound to all of its addresses, this machine goes by any of them.
  const isAny = address === '0.0.0.0' || address === '::'
  const own = isAny ? Object.values(networkInterfaces()).flatMap((each) => each?.map((face) => face.address) ?? []) : []
  const hosts = new Set([...LOOPBACK_HOSTS, ...[address, ...own].map((each) => inUrl(each).toLowerCase())])
  return { hosts, corsOrigin, token, needsToken: !isLoopback }
}

function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

function listen(server: Server, { address, port }: RestSettings): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new CodexError(
          'rest/cannot-listen',
          `expected to listen on ${inUrl(address)}:${port}, found: ${cause.message}; choose others with --api-bindaddr and --api-port`,
          { detail: { address, port }, cause },
        ),
      ),
    )
    server.listen(port, address, () => {
      const bound = server.address()
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const hurry = setTimeout(() => server.closeAllConnections(), CLOSING_MS)
    server.close(() => {
      clearTimeout(hurry)
      resolve()
    })
    server.closeIdleConnections()
  })
}
