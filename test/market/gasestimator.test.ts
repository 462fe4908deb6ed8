// What the endpoint is asked before a transaction is sent.

import { expect, it } from 'vitest'
import { GasEstimator } from '../../src/market/gasestimator.ts'
import { NO_PROOF } from '../../src/market/groth16proof.ts'
import type { Intent } from '../../src/market/intent.ts'
import type { RpcAnswer, RpcCall, RpcClient } from '../../src/market/rpcclient.ts'
import { rpcError } from '../../src/market/rpcerror.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RequestId } from '../../src/protocol/request.ts'

const signal = new AbortController().signal
const ADDRESS = `0x${'22'.repeat(20)}`
const requestId = `0x${'11'.repeat(32)}` as RequestId
const slot = { requestId, slotIndex: 0, slotId: slotId(requestId, 0) }
const FILL: Intent = { verb: 'fillSlot', ...slot, proof: NO_PROOF }
const RESERVE: Intent = { verb: 'reserveSlot', ...slot }

/** @param answer to each call; an estimate of 100 gas and no output of calls otherwise */
function estimator(answer: (call: RpcCall) => RpcAnswer | undefined = () => undefined) {
  const asked: string[] = []
  const rpc = {
    callMany: async (calls: readonly RpcCall[]) =>
      calls.map((call) => {
        asked.push([call.method, ...call.params.slice(1)].join(' '))
        return answer(call) ?? { ok: true, result: call.method === 'eth_call' ? '0x' : '0x64' }
      }),
  } as unknown as RpcClient
  const parts = { rpc, key: { address: ADDRESS }, contracts: { marketplace: ADDRESS, token: ADDRESS } }
  const gas = new GasEstimator(parts)
  const estimate = (intent: Intent) => gas.estimate({ intent, gasPercent: 110 }, { signal })
  return { asked, estimate }
}

it('has the first fill run by eth_call, and only that one', async () => {
  const { asked, estimate } = estimator()
  expect(await estimate(RESERVE)).toBe(110n)
  expect(await estimate(FILL)).toBe(110n)
  expect(await estimate(FILL)).toBe(110n)
  const estimated = 'eth_estimateGas pending'
  expect(asked).toEqual([estimated, 'eth_call pending', estimated, estimated])
})

it('has it run again as long as it is refused, and asks for nothing else then', async () => {
  const refused = { code: 3, message: 'execution reverted' }
  const { asked, estimate } = estimator(({ method }) =>
    method === 'eth_call' ? { ok: false, error: rpcError(method, refused) } : undefined,
  )
  for (let i = 0; i < 2; i++) await expect(estimate(FILL)).rejects.toMatchObject({ code: 'market/reverted' })
  expect(asked).toEqual(['eth_call pending', 'eth_call pending'])
})

it('asks endpoints that know no pending block for the newest one', async () => {
  const { asked, estimate } = estimator(({ method, params }) =>
    params[1] === 'pending'
      ? { ok: false, error: rpcError(method, { code: -32602, message: 'unknown block tag' }) }
      : undefined,
  )
  expect(await estimate(FILL)).toBe(110n)
  expect(asked).toEqual(['eth_call pending', 'eth_call latest', 'eth_estimateGas'])
})
