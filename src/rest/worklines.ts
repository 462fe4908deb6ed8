// Work that takes long as lines of an answer: what it tells as it goes, then what came of it, or what went wrong. A reader that is slow misses steps, not the end.

import { problemOf } from './problemof.ts'

/** @param work is told the signal of whoever asked by its caller; what it throws becomes the last line */
export async function* workLines(
  opening: object,
  work: (tell: (line: object) => void) => Promise<object>,
): AsyncGenerator<object> {
  let latest: object | undefined
  let wake: () => void = () => undefined
  let end: object | undefined
  const working = work((line) => {
    latest = line
    wake()
  })
    .then(
      (answer) => {
        end = answer
      },
      (error: unknown) => {
        end = { error: problemOf(error).body }
      },
    )
    .finally(() => wake())
  // So that whoever asked learns at once that it is being worked on.
  yield opening
  while (end === undefined) {
    if (latest === undefined)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    else {
      const line = latest
      latest = undefined
      yield line
    }
  }
  await working
  if (latest !== undefined) yield latest
  yield end
}
