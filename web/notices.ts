// Alerts outside of the page: as notifications where the person allowed them, and as a mark in the title until somebody looks.

import { signal } from '@preact/signals'

import type { TabNode } from '../src/browser.ts'
import { formatAmount } from './amounts.ts'

export type NoticePermission = NotificationPermission | 'none'

/** `none` where the browser has no notifications, as on some phones. */
function permissionNow(): NoticePermission {
  return 'Notification' in window ? Notification.permission : 'none'
}

/** Says outside of the page that the key waits for its password, until `closing`. */
export function tellLocked(closing: AbortSignal): void {
  const before = document.title
  document.title = '⚠ Unlock the key – codex-light'
  const notification = notified(
    'locked',
    'Slots wait for proofs: unlock the key in this tab, or their collateral is lost.',
  )
  closing.addEventListener(
    'abort',
    () => {
      document.title = before
      notification?.close()
    },
    { once: true },
  )
}

/** One of a kind at a time. Undefined where it may not, or where only service workers may. */
function notified(tag: string, body: string): Notification | undefined {
  if (permissionNow() !== 'granted') return undefined
  try {
    const notification = new Notification('codex-light', { body, tag })
    notification.addEventListener('click', () => {
      window.focus()
      notification.close()
    })
    return notification
  } catch {
    return undefined
  }
}

export class Notices {
  readonly permission = signal<NoticePermission>(permissionNow())
  /** Alerts that came while nobody looked. */
  readonly unseen = signal(0)

  /** Until `closing`. */
  watch({ events }: Pick<TabNode, 'events'>, closing: AbortSignal): void {
    const options = { signal: closing }
    events.addEventListener(
      'alert',
      ({ detail: { code, cause, action, atStake } }) => {
        if (document.visibilityState === 'visible') return
        this.unseen.value++
        const stake = atStake === undefined ? '' : ` At stake: ${formatAmount(atStake)}.`
        this.#notify(code, `${cause}.${stake} ${action}.`)
      },
      options,
    )
    document.addEventListener(
      'visibilitychange',
      () => {
        if (document.visibilityState === 'visible') this.unseen.value = 0
      },
      options,
    )
  }

  /** Call it from a click. */
  async ask(): Promise<void> {
    if ('Notification' in window) this.permission.value = await Notification.requestPermission()
  }

  /** One of a kind at a time: the newest takes the place of the one before. */
  #notify(tag: string, body: string): void {
    if (permissionNow() === 'granted' && notified(tag, body) === undefined)
      // Some browsers let only service workers notify: the title still has its mark.
      this.permission.value = 'none'
  }
}
