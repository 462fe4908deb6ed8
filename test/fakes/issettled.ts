// Whether a promise has settled by now, give or take a few promise steps; waits for no timer and no input.

const TURNS = 50

export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = () => {
    settled = true
  }
  promise.then(note, note)
  for (let turn = 0; turn < TURNS; turn++) await Promise.resolve()
  return settled
}
