import { expect, test } from 'vitest'
import { WebLock, webLockName } from '../../src/platform/browser/weblock.ts'
import { isSettled } from '../fakes/issettled.ts'

let count = 0
const newName = (): string => `weblock-test-${++count}`
const ever = (): { signal: AbortSignal } => ({ signal: new AbortController().signal })

async function heldNames(): Promise<(string | undefined)[]> {
  const { held = [] } = await navigator.locks.query()
  return held.map(({ name }) => name)
}

test('one tab holds it, others are told so at once', async () => {
  const name = newName()
  const lock = await WebLock.tryToHold(name)
  expect(await heldNames()).toContain(webLockName(name))
  expect(webLockName(name)).toBe(`codex-light/${name}`)
  expect(await WebLock.tryToHold(name)).toBeUndefined()
  const other = await WebLock.tryToHold(newName())
  expect(other).toBeDefined()
  await lock?.release()
  await lock?.release()
  expect(await heldNames()).not.toContain(webLockName(name))
  const again = await WebLock.tryToHold(name)
  expect(again).toBeDefined()
  await Promise.all([again?.release(), other?.release()])
})

test('the line is served in order', async () => {
  const name = newName()
  const order: string[] = []
  const first = await WebLock.tryToHold(name)
  const inLine = ['second', 'third'].map(async (who) => {
    const lock = await WebLock.waitInLine(name, ever())
    order.push(who)
    await lock.release()
  })
  expect(await Promise.all(inLine.map(isSettled))).toEqual([false, false])
  await first?.release()
  await Promise.all(inLine)
  expect(order).toEqual(['second', 'third'])
})

test('who gives up leaves the line', async () => {
  const name = newName()
  const first = await WebLock.tryToHold(name)
  const controller = new AbortController()
  const waiting = WebLock.waitInLine(name, controller)
  const reason = new Error('had enough')
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await first?.release()
  const next = await WebLock.tryToHold(name)
  expect(next).toBeDefined()
  await next?.release()
})

test('a browser without Web Locks is a typed error', async () => {
  const original = Object.getOwnPropertyDescriptor(Navigator.prototype, 'locks') ?? {}
  Object.defineProperty(Navigator.prototype, 'locks', { value: undefined, configurable: true })
  try {
    await expect(WebLock.tryToHold('x')).rejects.toMatchObject({ code: 'node/no-web-locks' })
    await expect(WebLock.waitInLine('x', ever())).rejects.toMatchObject({ code: 'node/no-web-locks' })
  } finally {
    Object.defineProperty(Navigator.prototype, 'locks', original)
  }
})
