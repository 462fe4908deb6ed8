// How a verb of many parts ends: each part has its turn, nothing that went wrong is hushed up, and what hangs holds nobody.

import { Writable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { endInTime } from '../../src/cli/endintime.ts'
import { readSettings } from '../../src/cli/settings.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import { CodexError } from '../../src/lib/errors.ts'

const settings = readSettings({ raw: {}, env: {}, file: undefined })
const unreachable = new CodexError('market/unreachable', 'no answer from the endpoint')
const interrupted = new CodexError('cli/interrupted', 'interrupted by SIGINT')
const hangs = (): Promise<never> => new Promise(() => undefined)

function listening() {
  const heard = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk, _, done) {
        heard[name] += String(chunk)
        done()
      },
    })
  const parts = { stdout: stream('stdout'), stderr: stream('stderr'), json: true, colour: false }
  return { heard, call: { settings, terminal: new Terminal({ ...parts, outputClosed: () => undefined }) } }
}

/** Time goes on by hand, and the process does not end. */
function stoppedTime() {
  vi.useFakeTimers()
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never)
  onTestFinished(() => {
    exit.mockRestore()
    vi.useRealTimers()
  })
  return exit
}

test.each([
  ['what failed', unreachable, 3],
  ['the interrupt while the chain did not answer', interrupted, 130],
])('when a part does not stop in time, %s is reported, and the process exits with its code', async (_, error, code) => {
  const exit = stoppedTime()
  const { heard, call } = listening()
  void endInTime([hangs], error, call)
  await vi.advanceTimersByTimeAsync(4400)
  expect(exit).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  expect(exit).toHaveBeenCalledExactlyOnceWith(code)
  expect(heard.stderr).toBe(
    `codex-light: something did not stop in time and is left behind\ncodex-light: ${error.message} (${error.code})\n`,
  )
  expect(JSON.parse(heard.stdout)).toMatchObject({ error: { code: error.code } })
})

test('after a good run too slow an end is no failure', async () => {
  const exit = stoppedTime()
  const { heard, call } = listening()
  void endInTime([hangs], undefined, call)
  await vi.advanceTimersByTimeAsync(4600)
  expect(exit).toHaveBeenCalledExactlyOnceWith(0)
  expect(heard).toEqual({
    stdout: '',
    stderr: 'codex-light: something did not stop in time and is left behind\n',
  })
})

test('a part that does not end well takes nothing from the turn of the next, and is heard of', async () => {
  const { heard, call } = listening()
  const ended: string[] = []
  const fine = (name: string) => async () => void ended.push(name)
  const fails = (message: string) => async (): Promise<void> => {
    throw new Error(message)
  }
  const ends = [fails('no such file'), fine('rest'), fails('busy'), fine('node')]
  await expect(endInTime(ends, undefined, call)).rejects.toThrow('no such file')
  expect(ended).toEqual(['rest', 'node'])
  expect(heard.stderr).toBe('codex-light: a part did not end well: Error: busy\n')
  await expect(endInTime(ends, unreachable, call)).rejects.toBe(unreachable)
  expect(ended).toEqual(['rest', 'node', 'rest', 'node'])
  expect(heard.stderr).toContain('Error: no such file\n')
})
