// Serves the built page on loopback: the files that lie in its folder at the start, and of the demo one document, two acts, and
// what its provider shows. No other API beside, no folder listing.

import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CodexError } from '../lib/errors.ts'
import { mimetypeOf } from './mimetypeof.ts'
import { sentenceOf } from './sentenceof.ts'

const LOOPBACK = '127.0.0.1'
/** A page of another site that resolves its own name to loopback still sends that name (field notes §4, REST security). */
const HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
const START_PAGE = '/index.html'
const MAX_FILES = 10_000
const MAX_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 10_000

/** Field notes §2: cross-origin isolation, and a policy under which the page loads its own files only. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "manifest-src 'self'",
    "connect-src 'self' https: wss: http://localhost:* ws://localhost:* http://127.0.0.1:* ws://127.0.0.1:*",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types codex-light',
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  // A page built anew must show at the next load.
  'Cache-Control': 'no-cache',
}

/** What the demo has for the page. Only the page that is served here gets at it. */
export interface LiveDemo {
  /** Answered as JSON at each look. */
  facts(): unknown
  /** The page's one button. @throws CodexError whose sentence the person at the page is shown */
  request(): Promise<unknown>
  /** Play money for the key of a tab. @throws as {@link LiveDemo.request} */
  fund(address: string): Promise<unknown>
  /** Answers rows of REST from which the page draws the demo's own provider. @returns false for what is none of them */
  show?(request: IncomingMessage, response: ServerResponse): boolean
}

/** Where the page looks for {@link LiveDemo}; without one it is told that there is none. */
const DEMO_DOCUMENT = '/demo.json'
const DEMO_REQUEST = '/demo/request'
const DEMO_FUND = '/demo/fund'
const MAX_BODY_BYTES = 1024
/** A page of another site can send it only where we allow that, and we allow nothing. */
const OWN_HEADER = 'x-codex-light'

export interface PageServer {
  readonly url: string
  /** Settles when no connection is open any more. */
  close(): Promise<void>
}

/**
 * Listens on loopback, on a free port unless one is given.
 * @throws CodexError `page/not-built` where the folder holds no page, `page/cannot-listen`
 */
export async function servePage(
  folder: string,
  {
    port = 0,
    circuit,
    demo,
  }: { readonly port?: number; readonly circuit?: () => Promise<string>; readonly demo?: LiveDemo | undefined } = {},
): Promise<PageServer> {
  const files = await filesIn(folder)
  if (!files.has(START_PAGE)) throw notBuilt(folder)
  const server = createServer((request, response) => {
    answer({ files, circuit, demo }, request, response).catch(() => response.destroy())
  })
  server.maxConnections = MAX_CONNECTIONS
  server.headersTimeout = REQUEST_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  const listening = await listen(server, port)
  return { url: `http://${LOOPBACK}:${listening}/`, close: () => close(server) }
}

/**
 * Answers requests for the page, with the document that says that a node serves it.
 * @throws CodexError `page/not-built`
 */
export async function openNodePage(
  folder: string,
): Promise<(request: IncomingMessage, response: ServerResponse) => void> {
  const files = await filesIn(folder)
  if (!files.has(START_PAGE)) throw notBuilt(folder)
  const text = await readFile(join(folder, START_PAGE), 'utf8')
  const start = text.replace(/(<meta name="codex-light-node" content=")none(")/, '$1here$2')
  return (request, response) => {
    answerNodePage({ files, start }, request, response).catch(() => response.destroy())
  }
}

async function answerNodePage(
  { files, start }: { readonly files: ReadonlyMap<string, string>; readonly start: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return refuse(response, 405, 'only GET and HEAD are served here')
  }
  const path = pathOf(request.url ?? '')
  if (path === '/' || path === START_PAGE) {
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end(request.method === 'HEAD' ? undefined : start)
    return
  }
  const file = path === undefined ? undefined : files.get(path)
  if (file === undefined) return refuse(response, 404, 'there is no such file')
  await send(file, request, response)
}

/** Plain files by the path of their URL. What is no key here is not served, so no path can lead out of the folder. */
async function filesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  if (found.length > MAX_FILES)
    throw new CodexError('page/too-many-files', `expected at most ${MAX_FILES} files in ${folder}`, {
      detail: { folder, found: found.length },
    })
  // A symbolic link is no file here, wherever it leads.
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(paths.map((path) => [`/${relative(folder, path).split(sep).join('/')}`, path]))
}

interface Served {
  readonly files: ReadonlyMap<string, string>
  /** The folder of the circuit that the page may measure with; called when it is first asked for. */
  readonly circuit: (() => Promise<string>) | undefined
  readonly demo: LiveDemo | undefined
}

/** Of a circuit, by the path of their URL. */
const CIRCUIT_FILES: ReadonlyMap<string, string> = new Map(
  ['circuit.wasm', 'circuit.zkey', 'sha256.json'].map((name) => [`/circuit/${name}`, name]),
)

async function answer(
  { files, circuit, demo }: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value)
  if (!HOSTS.has(hostname(request.headers.host))) return refuse(response, 421, 'this host is not served here')
  const path = pathOf(request.url ?? '')
  if (request.method === 'POST' && path === DEMO_REQUEST && demo !== undefined)
    return act(() => demo.request(), request, response)
  if (request.method === 'POST' && path === DEMO_FUND && demo !== undefined)
    return act((body) => demo.fund(body.trim()), request, response)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return refuse(response, 405, 'only GET and HEAD are served here')
  }
  if (demo?.show?.(request, response) === true) return
  if (path === DEMO_DOCUMENT) return sendJson(demo?.facts() ?? null, response)
  const name = CIRCUIT_FILES.get(path ?? '')
  if (name !== undefined && circuit !== undefined) {
    // It may have to be built first, and that may fail for reasons that a person can mend.
    const folder = await circuit().catch((error: unknown) => refuse(response, 500, reason(error)))
    if (folder !== undefined) await send(join(folder, name), request, response)
    return
  }
  const file = path === undefined ? undefined : files.get(path === '/' ? START_PAGE : path)
  if (file === undefined) return refuse(response, 404, 'there is no such file')
  await send(file, request, response)
}

/** @param action gets the body */
async function act(
  action: (body: string) => Promise<unknown>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { origin, host } = request.headers
  if (request.headers[OWN_HEADER] === undefined || origin !== `http://${host}`)
    return refuse(response, 403, 'only the page that is served here may do that')
  const body = await bodyOf(request)
  if (body === undefined) return refuse(response, 413, `expected at most ${MAX_BODY_BYTES} bytes`)
  try {
    sendJson(await action(body), response)
  } catch (error) {
    if (!CodexError.is(error)) throw error
    refuse(response, 409, sentenceOf(error))
  }
}

/** Undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    if (bytes <= MAX_BODY_BYTES) pieces.push(piece)
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(pieces).toString('utf8') : undefined
}

function sendJson(value: unknown, response: ServerResponse): void {
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.end(JSON.stringify(value))
}

/** For the person at the page, who started this program too. */
function reason(error: unknown): string {
  return CodexError.is(error) ? sentenceOf(error) : `the circuit could not be built: ${String(error)}`
}

async function send(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { size } = await stat(file)
  const type = mimetypeOf(file) ?? 'application/octet-stream'
  response.setHeader('Content-Type', type.startsWith('text/') ? `${type}; charset=utf-8` : type)
  response.setHeader('Content-Length', size)
  if (request.method === 'HEAD') response.end()
  else await pipeline(createReadStream(file), response)
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end(`${text}\n`)
}

/** Without the port, in lower case; empty when there is no sound one. */
function hostname(host: string | undefined): string {
  return /^([^:]+|\[[0-9a-f:]+\])(?::\d+)?$/i.exec(host ?? '')?.[1]?.toLowerCase() ?? ''
}

function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(url.split(/[?#]/)[0] ?? '')
  } catch {
    return undefined
  }
}

function notBuilt(folder: string): CodexError<'page/not-built'> {
  return new CodexError('page/not-built', `found no page in ${folder}: build it with npm run build`, {
    detail: { folder },
  })
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new CodexError('page/cannot-listen', `expected to listen on ${LOOPBACK}:${port}, found: ${cause.message}`, {
          detail: { port },
          cause,
        }),
      ),
    )
    // Later ones, of connections that could not be taken: whoever asked sees it, and asks again.
    server.on('error', () => undefined)
    server.listen(port, LOOPBACK, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
