// A wire between two ends that can be held up after so many bytes, as a bad connection does. It understands nothing of what it carries. Not a test.

import { createConnection, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

export class SlowLine {
  /** Bytes that may still come from the far end; then nothing comes any more. */
  left = Infinity
  /** That came in all. */
  carried = 0
  readonly #server: Server
  readonly #far = new Set<Socket>()
  readonly #near = new Set<Socket>()

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = createConnection({ host: '127.0.0.1', port })
      this.#near.add(near)
      this.#far.add(far)
      near.on('data', (piece) => far.write(piece))
      far.on('data', (piece) => {
        this.left -= piece.length
        this.carried += piece.length
        near.write(piece)
        if (this.left <= 0) far.pause()
      })
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => other.destroy())
        one.on('close', () => {
          other.destroy()
          this.#near.delete(near)
          this.#far.delete(far)
        })
      }
      if (this.left <= 0) far.pause()
    })
  }

  static async start(port: number): Promise<SlowLine> {
    const line = new SlowLine(port)
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Nothing is held up any more. */
  release(): void {
    this.left = Infinity
    for (const far of this.#far) far.resume()
  }

  async stop(): Promise<void> {
    for (const socket of [...this.#near, ...this.#far]) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
