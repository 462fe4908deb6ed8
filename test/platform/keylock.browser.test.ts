import { expect, test } from 'vitest'
import { holdKeyByLock, keyLockName } from '../../src/platform/browser/keylock.ts'

const PLACE = { chainId: 31_337, address: `0x${'ab'.repeat(20)}` }
const ever = { signal: new AbortController().signal }

test('of two tabs with one key on one chain, one acts; the other is told, or follows', async () => {
  const hold = holdKeyByLock(undefined, 50)
  expect(keyLockName(PLACE)).toBe(`key/31337/${PLACE.address}`)
  const first = await hold(PLACE, ever)
  await expect(hold(PLACE, ever)).rejects.toMatchObject({ code: 'market/key-in-use', detail: PLACE })
  // Another chain, or another key, is nobody else's business.
  const others = [
    { ...PLACE, chainId: 1 },
    { ...PLACE, address: `0x${'cd'.repeat(20)}` },
  ]
  for (const other of others) await (await hold(other, ever)).release()
  const following = holdKeyByLock()(PLACE, ever)
  await first.release()
  await (await following).release()
})

test('who gives up gets their own reason', async () => {
  const first = await holdKeyByLock()(PLACE, ever)
  const controller = new AbortController()
  const waiting = holdKeyByLock()(PLACE, controller)
  const reason = new Error('had enough')
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await first.release()
})
