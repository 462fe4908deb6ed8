// A TCP proxy between two nodes that does what networks do: it delays, holds back what comes over one connection while others go on, stops passing bytes without a word, cuts at a given byte, throws bytes away.

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
  /** Of those, connections that have stalled. */
  readonly stalls: number
  /** Bytes from the target that were passed on, over all connections. */
  readonly passedBytes: number
  /** Pieces from the target that were held back. */
  readonly heldPieces: number
  /** Keeps what comes from the target until {@link letGo}: what others say later arrives earlier. */
  hold(): void
  letGo(): void
  /** Cuts all connections there are. */
  cut(): void
  close(): Promise<void>
}

export async function faultyProxy(targetPort: number, faults: Faults = {}): Promise<FaultyProxy> {
  const sockets = new Set<Socket>()
  const counts = { connections: 0, stalls: 0, passedBytes: 0, heldPieces: 0 }
  /** Undefined while nothing is held back. */
  const gate: Gate = { waiting: undefined }
  const server = createServer((client) => {
    counts.connections++
    relay(client, connect(targetPort, '127.0.0.1'), { faults: proxy.faults, sockets, counts, gate })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy: FaultyProxy = {
    port: (server.address() as AddressInfo).port,
    faults,
    get connections() {
      return counts.connections
    },
    get stalls() {
      return counts.stalls
    },
    get passedBytes() {
      return counts.passedBytes
    },
    get heldPieces() {
      return counts.heldPieces
    },
    hold() {
      gate.waiting ??= []
    },
    letGo() {
      const { waiting = [] } = gate
      gate.waiting = undefined
      for (const write of waiting) write()
    },
    cut,
    async close() {
      cut()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return proxy
}

interface Relaying {
  readonly faults: Faults
  readonly sockets: Set<Socket>
  readonly counts: { stalls: number; passedBytes: number; heldPieces: number }
  readonly gate: Gate
}

interface Gate {
  waiting: (() => void)[] | undefined
}

function relay(client: Socket, target: Socket, { faults, sockets, counts, gate }: Relaying): void {
  const { delayMs = 0, cutAfterBytes = Infinity, stallAfterBytes = Infinity, dropAfterBytes = Infinity } = faults
  let passed = 0
  let hasDropped = false
  let hasStalled = false
  const pass = (from: Socket, to: Socket, isFromTarget: boolean): void => {
    sockets.add(from)
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
    from.on('data', (piece) => {
      if (passed >= stallAfterBytes) {
        if (!hasStalled) counts.stalls++
        hasStalled = true
        return
      }
      if (isFromTarget) counts.passedBytes += piece.length
      if (isFromTarget && passed < cutAfterBytes && passed + piece.length >= cutAfterBytes) {
        to.write(piece.subarray(0, cutAfterBytes - passed), () => {
          from.destroy()
          to.destroy()
        })
        passed = cutAfterBytes
        return
      }
      if (isFromTarget) passed += piece.length
      if (isFromTarget && passed >= dropAfterBytes && !hasDropped) {
        hasDropped = true
        return
      }
      const write = (): void => {
        if (to.destroyed || to.write(piece)) return
        from.pause()
        to.once('drain', () => from.resume())
      }
      if (isFromTarget && gate.waiting !== undefined) {
        counts.heldPieces++
        gate.waiting.push(write)
      } else if (delayMs > 0) setTimeout(write, delayMs)
      else write()
    })
  }
  pass(client, target, false)
  pass(target, client, true)
}
