// Alerts outside of the page: as notifications where the person allowed them, and as a mark in the title until somebody looks.

import { signal } from '@preact/signals'

import { formatAmount } from '../src/lib/formatamount.ts'
import type { TabNode } from '../src/browser.ts'
import { withoutReverts } from './explain.ts'
import { entitle } from './tabtitle.ts'

/** `none` where the browser has no notifications, or leaves them to service workers, as on some phones. */
export type NoticePermission = NotificationPermission | 'none'

function permissionNow(): NoticePermission {
  return 'Notification' in window ? Notification.permission : 'none'
}

/** Says outside of the page that slots wait for proofs which are not made, until `over`. @param body of a notification; none without it */
export function tellUnproven(
  { title, body }: { readonly title: string; readonly body?: string },
  over: AbortSignal,
): void {
  entitle(`⚠ ${title} – codex-light`, over)
  if (body === undefined) return
  const notification = notified(title, body)
  over.addEventListener('abort', () => notification?.close(), { once: true })
}

/** One of a kind at a time, each heard like the first. Undefined where it may not, or where only service workers may. */
function notified(tag: string, body: string): Notification | undefined {
  if (permissionNow() !== 'granted') return undefined
  const options: NotificationOptions & { readonly renotify: boolean } = { body, tag, renotify: true }
  try {
    const notification = new Notification('codex-light', options)
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
  readonly #shown = new Map<string, Notification>()

  /** Until `closing`. */
  watch({ events }: Pick<TabNode, 'events'>, closing: AbortSignal): void {
    const options = { signal: closing }
    events.addEventListener(
      'alert',
      ({ detail: { code, cause, action, atStake } }) => {
        if (document.visibilityState === 'visible') return
        this.unseen.value++
        const stake = atStake === undefined ? '' : ` At stake: ${formatAmount(atStake)}.`
        this.#notify(code, `${withoutReverts(cause)}.${stake} ${action}.`)
      },
      options,
    )
    events.addEventListener(
      'alertOver',
      ({ detail: { code } }) => {
        this.#shown.get(code)?.close()
        this.#shown.delete(code)
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

  /** Call it from a click. Who agrees sees one at once, or that there are none here. */
  async ask(): Promise<void> {
    if (!('Notification' in window)) return
    this.permission.value = await Notification.requestPermission()
    this.#notify('allowed', 'Alerts of this tab come like this.')
  }

  /** One of a kind at a time: the newest takes the place of the one before. */
  #notify(tag: string, body: string): void {
    if (permissionNow() !== 'granted') return
    const notification = notified(tag, body)
    if (notification !== undefined) this.#shown.set(tag, notification)
    // Some browsers let only service workers notify: the title still has its mark.
    else this.permission.value = 'none'
  }
}
