// A bell is heard once however often it rang, and never missed.

import { expect, it } from 'vitest'
import { Bell } from '../../src/lib/bell.ts'
import { isSettled } from '../fakes/issettled.ts'

it('is heard by whoever waits, and once for many rings', async () => {
  const bell = new Bell()
  const { signal } = new AbortController()
  const first = bell.listen({ signal })
  const heard = [first, bell.listen({ signal })].map((ear) => ear.next())
  expect(await Promise.all(heard.map(isSettled))).toEqual([false, false])
  bell.ring()
  bell.ring()
  await Promise.all(heard)
  const again = first.next()
  expect(await isSettled(again)).toBe(false)
  bell.ring()
  await again
})

it('is heard by who began to listen before it rang and asks only later', async () => {
  const bell = new Bell()
  const ear = bell.listen(new AbortController())
  bell.ring()
  expect(await isSettled(ear.next())).toBe(true)
  expect(await isSettled(bell.listen(new AbortController()).next())).toBe(false)
})

it('lets those go who give up', async () => {
  const bell = new Bell()
  const controller = new AbortController()
  const ear = bell.listen(controller)
  const waiting = ear.next()
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  bell.ring()
  await expect(bell.listen(controller).next()).rejects.toBe(reason)
})
