// A server's socket: where it listens, what it is called there, and how it is closed.

import type { Server } from 'node:http'
import { networkInterfaces } from 'node:os'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { LOOPBACK_HOSTS } from './guardrequest.ts'

/** How long an answer that is almost done may take when the server stops. */
const CLOSING_MS = 1000

export interface RestServer {
  /** Of this server's root. */
  readonly url: string
  /** Settles when no request is under way. Never rejects. */
  stop(): Promise<void>
}

function isLoopback(address: string): boolean {
  return /^(127\.|::1$|localhost$)/.test(address)
}

/**
 * Names and addresses that a server bound to `address` goes by.
 * @param names that it was given besides, as a proxy before it or a name server has it; IPv6 in brackets
 */
export function hostPolicy(address: string, names: readonly string[] = []): ReadonlySet<string> {
  // Bound to all of its addresses, this machine goes by any of them.
  const isAny = address === '0.0.0.0' || address === '::'
  const own = isAny ? Object.values(networkInterfaces()).flatMap((each) => each?.map((face) => face.address) ?? []) : []
  return new Set([...LOOPBACK_HOSTS, ...[...[address, ...own].map(inUrl), ...names].map((each) => each.toLowerCase())])
}

/** Whether others than this machine can reach it: it is bound beyond loopback, or was given a name, which is that of a proxy before it then. */
export function isReachable({
  address,
  hosts = [],
}: {
  readonly address: string
  readonly hosts?: readonly string[] | undefined
}): boolean {
  return !isLoopback(address) || hosts.length > 0
}

export function urlOf(address: string, port: number): string {
  return `http://${inUrl(address)}:${port}/`
}

/**
 * A connection that cannot be taken later, as where no file can be opened, is the log's; the server goes on.
 * @param options by which others are chosen @returns the port @throws CodexError `rest/cannot-listen`
 */
export function listen(
  server: Server,
  { address, port }: { readonly address: string; readonly port: number },
  options: readonly [string, string],
  log: Log,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new CodexError(
          'rest/cannot-listen',
          `expected to listen on ${inUrl(address)}:${port}, found: ${cause.message}; choose others with ${options.join(' and ')}`,
          { detail: { address, port }, cause },
        ),
      ),
    )
    // With the first one: an error that nobody hears ends the process.
    server.on('error', (error) => {
      if (server.listening) log.warn('a connection could not be taken', { error })
    })
    server.listen(port, address, () => {
      const bound = server.address()
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
    })
  })
}

export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const hurry = setTimeout(() => server.closeAllConnections(), CLOSING_MS)
    server.close(() => {
      clearTimeout(hurry)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
