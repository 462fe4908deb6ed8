// A TCP proxy between two nodes that does what networks do: it delays, stops passing bytes without a word, cuts at a given byte, throws bytes away.

import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'

export interface Faults {
  /** Each piece waits so long. */
  readonly delayMs?: number | undefined
  /** Both sides are cut off after so many bytes from the target. */
  readonly cutAfterBytes?: number | undefined
  /** From then on nothing passes any more, while both connections stay open. */
  readonly stallAfterBytes?: number | undefined
  /** One piece of those that come from the target is thrown away after so many bytes. */
  readonly dropAfterBytes?: number | undefined
}

export interface FaultyProxy {
  readonly port: number
  /** Of connections made from then on. */
  faults: Faults
  /** Connections so far. */
  readonly connections: number
  /** Cuts all connections there are. */
  cut(): void
  close(): Promise<void>
}

export async function faultyProxy(targetPort: number, faults: Faults = {}): Promise<FaultyProxy> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer((client) => {
    count++
    relay(client, connect(targetPort, '127.0.0.1'), proxy.faults, sockets)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy: FaultyProxy = {
    port: (server.address() as AddressInfo).port,
    faults,
    get connections() {
      return count
    },
    cut,
    async close() {
      cut()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return proxy
}

function relay(client: Socket, target: Socket, faults: Faults, sockets: Set<Socket>): void {
  const { delayMs = 0, cutAfterBytes = Infinity, stallAfterBytes = Infinity, dropAfterBytes = Infinity } = faults
  let passed = 0
  let hasDropped = false
  const pass = (from: Socket, to: Socket, counts: boolean): void => {
    sockets.add(from)
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
    from.on('data', (piece) => {
      if (passed >= stallAfterBytes) return
      if (counts && passed < cutAfterBytes && passed + piece.length >= cutAfterBytes) {
        to.write(piece.subarray(0, cutAfterBytes - passed), () => {
          from.destroy()
          to.destroy()
        })
        passed = cutAfterBytes
        return
      }
      if (counts) passed += piece.length
      if (counts && passed >= dropAfterBytes && !hasDropped) {
        hasDropped = true
        return
      }
      const write = (): void => {
        if (to.destroyed || to.write(piece)) return
        from.pause()
        to.once('drain', () => from.resume())
      }
      if (delayMs > 0) setTimeout(write, delayMs)
      else write()
    })
  }
  pass(client, target, false)
  pass(target, client, true)
}
