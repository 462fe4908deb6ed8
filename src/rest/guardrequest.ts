// Whether a request may be answered at all: the name it was sent to, the page it comes from, the token it carries. What it asks for comes after that
// (field notes §4, REST security).

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface GuardPolicy {
  /** Names and addresses this server goes by, lower case, without port, IPv6 in brackets. Whoever sends another was led here by a foreign name. */
  readonly hosts: ReadonlySet<string>
  /** Origins that pages may come from besides this server's own; `*` is any. */
  readonly corsOrigins: readonly string[]
  readonly token: string
  /** Whether every path wants the token: where others than this machine can reach the server. */
  readonly needsToken: boolean
  /** Whether a page is served beside the interface. A browser that loads it has no token to show yet. */
  readonly hasPage?: boolean
}

export interface RequestHead {
  readonly method: string
  /** As it stands in the request line. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

export interface Refusal {
  readonly status: 400 | 401 | 403 | 421
  readonly text: string
}

/** Always served from loopback under these. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/** Rows that need no token on loopback: those of other nodes, and of ours what says only whether something runs. All else below `/api` needs it. */
const OPEN_PATHS = /^\/api\/(?:codex\/v1(?:\/|$)|v1\/(?:health|readiness)$)/
/** What proxies say of whom they speak for. */
const PROXY_HEADERS = ['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'x-real-ip', 'via'] as const
/** Rows that are read, and yet change something: whom this node is connected to. */
const ACTING_READS = /^\/api\/codex\/v1\/connect\//
/** Segments of a path by which it is decided what is asked for: they are taken as they stand, so nothing may be encoded in them. */
const PLAIN_SEGMENTS = 3

/** @returns why not, undefined when it may be answered */
export function refusalOf(head: RequestHead, policy: GuardPolicy): Refusal | undefined {
  if (!policy.hosts.has(hostname(head.headers.host))) return { status: 421, text: 'This host is not served here' }
  // A whole URL in its place names another host than the header does.
  if (!head.target.startsWith('/') && head.target !== '*') return { status: 400, text: 'Expected a path' }
  const path = head.target.split('?')[0] ?? ''
  if (head.target !== '*' && !isSound(path)) return { status: 400, text: 'Expected a plain path' }
  const isPage = policy.hasPage === true && isOfPage(path) && /^(GET|HEAD)$/.test(head.method)
  if (!(isPage && isFollowedLink(head.headers)) && isForeign(head.headers, policy))
    return { status: 403, text: 'Pages of this origin are not served here' }
  if (isPage) return undefined
  const isOpen =
    isOfPage(path) || (OPEN_PATHS.test(path) && !isFromAfar(head.headers) && !isActOfAnySite(head, path, policy))
  // What a browser asks before it sends a token.
  const isPreflight = head.method === 'OPTIONS'
  if ((policy.needsToken || !isOpen) && !isPreflight && !hasToken(head.headers.authorization, policy.token))
    return { status: 401, text: 'Expected the token of this node' }
  return undefined
}

/**
 * Whether the path means the same to everyone who reads it. Routers decode it, URLs drop its dot segments and turn `\\` to `/`: what was let in by one
 * reading would be answered by another.
 */
function isSound(path: string): boolean {
  if (!/^\/[\x21-\x7e]*$/.test(path) || /[\\#]|\/\//.test(path)) return false
  return path
    .slice(1)
    .split('/')
    .every((segment, i) => isSoundSegment(segment) && (i >= PLAIN_SEGMENTS || !segment.includes('%')))
}

function isSoundSegment(segment: string): boolean {
  try {
    return !/^\.\.?$|[/\\]|\p{Cc}/u.test(decodeURIComponent(segment))
  } catch {
    return false
  }
}

/** Whether a proxy passes it on, which comes from this machine whoever asked it. */
function isFromAfar(headers: IncomingHttpHeaders): boolean {
  return PROXY_HEADERS.some((name) => headers[name] !== undefined)
}

/** Whether it changes something, where every site may ask, and another site asks. */
function isActOfAnySite({ method, headers }: RequestHead, path: string, { corsOrigins }: GuardPolicy): boolean {
  if (!corsOrigins.includes('*')) return false
  if (/^(GET|HEAD)$/.test(method) && !ACTING_READS.test(decodeURIComponent(path))) return false
  return isOfAnotherSite(headers) || isOfSilentBrowser(headers)
}

/** Older browsers do not say which site a picture or a link is of. */
function isOfSilentBrowser(headers: IncomingHttpHeaders): boolean {
  const { origin, 'sec-fetch-site': site, 'user-agent': browser = '' } = headers
  return origin === undefined && site === undefined && /^Mozilla\//i.test(browser)
}

/** Whether somebody follows a link here, from wherever: what is shown then is our page, on its own, and the page that led here reads nothing of it. */
function isFollowedLink(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
}

/** Whether a path leads to the page, and not to the interface: that is all below `/api`. */
export function isOfPage(target = ''): boolean {
  return /^\/(?!api(?:[/?#]|$))/i.test(target) && !/%|\\|\/\//.test(target)
}

/** Whether a page sends it that is served nothing here. */
function isForeign(headers: IncomingHttpHeaders, { corsOrigins }: GuardPolicy): boolean {
  const { origin } = headers
  if (corsOrigins.includes('*') || (origin !== undefined && corsOrigins.includes(origin))) return false
  return isOfAnotherSite(headers)
}

/** Whether a page of another site sends it. Requests of programs name no page. */
function isOfAnotherSite({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  // With https where TLS ends before this server.
  if (origin !== undefined) return !isSameText(origin.replace(/^https?:/i, ''), `//${host ?? ''}`)
  // Links and pictures of other sites come without an origin.
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/** `Bearer TOKEN`, or `Basic` with what the SDK was given or with `user:TOKEN` in base64. */
function hasToken(authorization: string | undefined, token: string): boolean {
  const [, scheme = '', given = ''] = /^(\S+)\s+(\S+)$/.exec(authorization ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return isEqual(given, token)
  if (scheme.toLowerCase() !== 'basic') return false
  const pair = Buffer.from(given, 'base64').toString('utf8')
  // No user's name has a colon (RFC 7617); a password may.
  const password = pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : ''
  return isEqual(given, token) || isEqual(password, token)
}

function isSameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

/** Takes as long for any two texts. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}

/** Without the port, in lower case; empty when there is no sound one. */
export function hostname(host: string | undefined): string {
  return /^([^:\s]+|\[[0-9a-f:]+\])(?::\d+)?$/i.exec(host ?? '')?.[1]?.toLowerCase() ?? ''
}
