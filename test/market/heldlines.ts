// RpcLines to an endpoint that says it took transactions, and passes none on while it is told to hold them. Not a test.

import type { RpcLines } from '../../src/market/rpclines.ts'
import { nodeLines } from '../../src/platform/nodejs/nodelines.ts'

interface Call {
  readonly id: number
  readonly method: string
}

export class HeldLines implements RpcLines {
  isHolding = false
  connect = nodeLines.connect

  async post(...[url, body, options]: Parameters<RpcLines['post']>): ReturnType<RpcLines['post']> {
    if (!this.isHolding || !body.includes('eth_sendRawTransaction')) return nodeLines.post(url, body, options)
    const asked = JSON.parse(body) as Call | Call[]
    const calls = [asked].flat()
    const others = calls.filter(({ method }) => method !== 'eth_sendRawTransaction')
    const passed = others.length === 0 ? '[]' : (await nodeLines.post(url, JSON.stringify(others), options)).body
    const answers = JSON.parse(passed) as { id: number }[]
    const told = calls.map(
      ({ id }) => answers.find((answer) => answer.id === id) ?? { jsonrpc: '2.0', id, result: `0x${'00'.repeat(32)}` },
    )
    return { status: 200, body: JSON.stringify(Array.isArray(asked) ? told : told[0]), retryAfter: undefined }
  }
}
