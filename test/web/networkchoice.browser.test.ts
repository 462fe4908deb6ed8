// Where a tab gets its circuit from when the host of it is down: what was kept the last time is found again by its hashes.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { circuitAt, keepChoice, keptChoice } from '../../web/networkchoice.ts'

const FOLDER = 'https://files.example/'
const KNOWN = { wasm: 'a1'.repeat(32), zkey: 'b2'.repeat(32) }
const NOW = { wasm: 'c3'.repeat(32), zkey: 'd4'.repeat(32) }
const NEVER = new AbortController().signal

beforeEach(() => localStorage.clear())
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function answers(answer: (signal: AbortSignal | null | undefined) => Response | Promise<Response>): void {
  vi.stubGlobal('fetch', async (_: URL, { signal }: RequestInit = {}) => answer(signal))
}

test('while the hashes beside a circuit cannot be had, those of the last time find what was kept', async () => {
  answers(() => Promise.reject(new TypeError('Failed to fetch')))
  expect((await circuitAt(FOLDER, NEVER, KNOWN)).sha256).toEqual(KNOWN)
  expect((await circuitAt(FOLDER, NEVER)).sha256).toBeUndefined()
  for (const status of [500, 503, 522]) {
    answers(() => new Response('down', { status }))
    expect((await circuitAt(FOLDER, NEVER, KNOWN)).sha256).toEqual(KNOWN)
  }
  // As of a network that wants its terms accepted first.
  answers(() => new Response('<html>Welcome</html>'))
  expect((await circuitAt(FOLDER, NEVER, KNOWN)).sha256).toEqual(KNOWN)
})

test('a host that answers has the last word: other hashes, or none', async () => {
  answers(() => Response.json(NOW))
  expect((await circuitAt(FOLDER, NEVER, KNOWN)).sha256).toEqual(NOW)
  for (const status of [404, 410]) {
    answers(() => new Response('', { status }))
    expect((await circuitAt(FOLDER, NEVER, KNOWN)).sha256).toBeUndefined()
  }
})

test('a host that never answers is waited for no longer than it takes to see that, and whoever leaves need not wait', async () => {
  const silent = (signal: AbortSignal | null | undefined): Promise<Response> =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
  const late = vi
    .spyOn(AbortSignal, 'timeout')
    .mockReturnValue(AbortSignal.abort(new DOMException('late', 'TimeoutError')))
  answers((signal) => (signal?.aborted === true ? Promise.reject(signal.reason as Error) : silent(signal)))
  expect((await circuitAt(FOLDER, NEVER, KNOWN)).sha256).toEqual(KNOWN)
  expect(late.mock.calls[0]?.[0]).toBeLessThanOrEqual(30_000)
  late.mockRestore()
  const leaving = new AbortController()
  const looking = circuitAt(FOLDER, leaving.signal, KNOWN)
  leaving.abort(new Error('left'))
  await expect(looking).rejects.toThrow('left')
})

test('the hashes are remembered with the network, and nonsense in their place is none', () => {
  const choice = {
    ...{ ethProvider: 'https://chain.example/', marketplace: '', rewardRecipient: '', circuit: FOLDER },
    bridges: ['/dns4/bridge.example/tcp/443/wss/p2p/16Uiu'],
  }
  keepChoice({ ...choice, sha256: KNOWN })
  expect(keptChoice()).toEqual({ ...choice, sha256: KNOWN })
  keepChoice({ ...choice, sha256: { wasm: 'short', zkey: KNOWN.zkey } })
  expect(keptChoice()?.sha256).toBeUndefined()
  keepChoice(choice)
  expect(keptChoice()).toEqual(choice)
})
