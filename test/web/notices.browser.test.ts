// Alerts outside of the page: only while nobody looks, as notifications only where that is allowed.

import { afterEach, expect, test } from 'vitest'

import type { Alert } from '../../src/lib/alert.ts'
import { TypedEvents } from '../../src/lib/typedevents.ts'
import type { NodeEvents } from '../../src/trade.ts'
import { Notices } from '../../web/notices.ts'

const ALERT: Alert = { code: 'sales/deadline-near', at: 1, cause: 'A proof is due', atStake: 5n, action: 'Look' }
const shown: { readonly title: string; readonly body: string | undefined; readonly tag: string | undefined }[] = []
const original = Object.getOwnPropertyDescriptor(window, 'Notification') ?? {}

function allow(permission: NotificationPermission | 'none'): void {
  class Fake extends EventTarget {
    static readonly permission = permission
    static readonly requestPermission = async (): Promise<NotificationPermission> => 'granted'
    constructor(title: string, { body, tag }: NotificationOptions = {}) {
      super()
      shown.push({ title, body, tag })
    }
  }
  if (permission === 'none') Reflect.deleteProperty(window, 'Notification')
  else Object.defineProperty(window, 'Notification', { configurable: true, value: Fake })
}

function look(state: DocumentVisibilityState): void {
  Object.defineProperty(document, 'visibilityState', { configurable: true, value: state })
  document.dispatchEvent(new Event('visibilitychange'))
}

afterEach(() => {
  Object.defineProperty(window, 'Notification', original)
  Reflect.deleteProperty(document, 'visibilityState')
  shown.length = 0
})

function watching() {
  const events = new TypedEvents<NodeEvents>()
  const ending = new AbortController()
  const notices = new Notices()
  notices.watch({ events }, ending.signal)
  return { notices, ending, raise: () => events.emit('alert', ALERT) }
}

test('an alert that nobody sees is notified and counted, until somebody looks', () => {
  allow('granted')
  const { notices, raise, ending } = watching()
  look('visible')
  raise()
  expect([shown, notices.unseen.value]).toEqual([[], 0])
  look('hidden')
  raise()
  const notification = { title: 'codex-light', body: 'A proof is due. At stake: 5 wei. Look.', tag: ALERT.code }
  expect([shown, notices.unseen.value]).toEqual([[notification], 1])
  look('visible')
  expect(notices.unseen.value).toBe(0)
  look('hidden')
  ending.abort()
  raise()
  expect(shown).toHaveLength(1)
})

test('without leave, or without notifications at all, the title has to do', async () => {
  for (const permission of ['default', 'denied', 'none'] as const) {
    allow(permission)
    const { notices, raise } = watching()
    expect(notices.permission.value).toBe(permission)
    look('hidden')
    raise()
    expect([shown, notices.unseen.value]).toEqual([[], 1])
  }
  allow('default')
  const { notices } = watching()
  await notices.ask()
  expect(notices.permission.value).toBe('granted')
})
