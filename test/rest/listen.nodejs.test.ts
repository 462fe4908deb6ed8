// A server's socket that cannot take a connection now and then.

import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { close, listen, urlOf } from '../../src/rest/listen.ts'

const OPTIONS = ['--address', '--port'] as const

function logTo(told: string[]): Log {
  const sinks = [({ message }: { readonly message: string }) => told.push(message)]
  return new Log({ clock: new ManualClock(0), levels: new LogLevels('info'), sinks })
}

test('goes on, and tells each time', async () => {
  const told: string[] = []
  const server = createServer((_, response) => response.end('here'))
  onTestFinished(() => close(server))
  const port = await listen(server, { address: '127.0.0.1', port: 0 }, OPTIONS, logTo(told))
  // As `accept` fails where the system has no room for another file.
  for (let i = 0; i < 3; i++) server.emit('error', new Error('accept ENFILE'))
  expect(told).toEqual(Array(3).fill('a connection could not be taken'))
  expect(await (await fetch(urlOf('127.0.0.1', port))).text()).toBe('here')
  const second = listen(createServer(), { address: '127.0.0.1', port }, OPTIONS, logTo(told))
  await expect(second).rejects.toMatchObject({ code: 'rest/cannot-listen' })
  expect(told).toHaveLength(3)
})
