// Lets the event loop breathe between slices of long work. Not a timer: nothing waits longer than what is already in line.

interface TaskScheduler {
  postTask(task: () => void): Promise<void>
}

/** Where the runtime has one, its tasks stay on their thread; in Chromium a message goes by way of another, which has to wait for a processor first. */
const { scheduler } = globalThis as { readonly scheduler?: Partial<TaskScheduler> }

/** Settles in a later task of the event loop, behind messages that are already there. Unlike a timer's, its tasks are not slowed down in a hidden tab. */
export function nextTask(): Promise<void> {
  if (scheduler?.postTask !== undefined) return scheduler.postTask(() => {})
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
