// How many may come in from one address, so that one machine under many names cannot take all the places there are.

import { parseIp6 } from './ipaddress.ts'

/** Connections that came in from one address: many people may be behind a router. */
export const MAX_INBOUND_BY_ADDRESS = 16

/**
 * Whether there are too many already from where this one comes. This machine may have as many as it likes, and who comes over WebSocket has a doorkeeper
 * of its own, which knows what stands behind a proxy.
 * @param address multiaddr of who comes @param inbound those of who came in
 */
export function isCrowded(address: string, inbound: readonly string[]): boolean {
  const origin = originOf(address)
  if (origin === undefined) return false
  return inbound.filter((each) => originOf(each) === origin).length >= MAX_INBOUND_BY_ADDRESS
}

/** Of version 6 the network: everyone has that many addresses. */
function originOf(address: string): string | undefined {
  const [, version, host = ''] = /^\/(ip[46])\/([^/]+)/.exec(address) ?? []
  if (version === undefined || /\/wss?(\/|$)/.test(address)) return undefined
  if (version === 'ip4') return host.startsWith('127.') ? undefined : host
  const bytes = parseIp6(host)
  if (bytes === undefined) return host
  return bytes.subarray(0, 15).every((byte) => byte === 0) ? undefined : bytes.subarray(0, 8).join()
}
