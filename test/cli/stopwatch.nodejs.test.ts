// Lines with the seconds before them, and what becomes of those that nobody reads.

import { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { StopWatch } from '../../src/cli/stopwatch.ts'
import { Terminal } from '../../src/cli/terminal.ts'

function watchOn(write: (text: string) => Error | null) {
  const controller = new AbortController()
  const stdout = new Writable({ write: (chunk, _, done) => done(write(String(chunk))) })
  const stderr = new Writable({ write: (_, __, done) => done() })
  const outputClosed = (reason: Error): void => controller.abort(reason)
  const terminal = new Terminal({ stdout, stderr, json: false, colour: false, outputClosed })
  return { watch: new StopWatch(terminal), signal: controller.signal }
}

test('a stage is told with the seconds so far, which are kept', async () => {
  const lines: string[] = []
  const { watch } = watchOn((text) => (lines.push(text), null))
  await watch.done('chain', 'it runs')
  watch.note('slot 0')
  expect(lines.map((line) => line.replace(/^ +\d+\.\d s/, '*'))).toEqual(['*  chain        it runs\n', '*  slot 0\n'])
  expect(watch.timings['chain']).toBeLessThan(60)
})

test('an event that nobody reads of ends the verb by its signal, and not the process by a rejection', async () => {
  const unhandled: unknown[] = []
  const hear = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', hear)
  onTestFinished(() => void process.off('unhandledRejection', hear))
  const { watch, signal } = watchOn(() => Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  watch.note('slot 0')
  watch.note('slot 1')
  await delay(20)
  expect(signal.reason).toMatchObject({ code: 'cli/output-closed' })
  await expect(watch.say('slot 2')).rejects.toMatchObject({ code: 'cli/output-closed' })
  expect(unhandled).toEqual([])
})
