// Lets the event loop breathe between slices of long work. Not a timer: nothing waits longer than what is already in line.

/** Settles in a later task of the event loop. Unlike a timer's, its tasks are not slowed down in a hidden tab. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
