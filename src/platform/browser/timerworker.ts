// The worker that keeps a page's timers: it says a number when its time has come, and knows nothing else. Started by workertime.ts; nothing imports it.

import type { TimerOrder } from './timerorder.ts'

const timers = new Map<number, ReturnType<typeof setTimeout>>()

addEventListener('message', ({ data }: MessageEvent<TimerOrder>) => {
  if ('clear' in data) {
    clearTimeout(timers.get(data.clear))
    timers.delete(data.clear)
    return
  }
  const { set: id, delayMs } = data
  timers.set(
    id,
    setTimeout(() => {
      timers.delete(id)
      postMessage(id)
    }, delayMs),
  )
})
