// Ends that come from outside: signals, a second signal, and readers who stop reading.

import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { watchInterrupts } from '../../src/cli/interrupts.ts'
import { document, holderOf, noise, scratchFolder, soundSpace, start } from './command.ts'

const MiB = 1024 * 1024

const slabBytes = (dataDir: string): number => {
  const path = join(dataDir, 'blocks.slab')
  return existsSync(path) ? statSync(path).size : 0
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s in the middle of an upload leaves nothing and exits 130',
  async (signal) => {
    const folder = scratchFolder()
    const dataDir = join(folder, 'data')
    writeFileSync(join(folder, 'file'), noise(100_000, 1))
    await document(['upload', join(folder, 'file'), '-d', dataDir])
    const before = await soundSpace(dataDir)
    const { child, ended } = start(['upload', '-', '-d', dataDir, '--json'])
    // More than one group of blocks; the pipe stays open, so that it cannot end by itself.
    child.stdin.write(noise(20 * MiB, 2))
    await expect.poll(() => slabBytes(dataDir), { timeout: 20_000 }).toBeGreaterThan(8 * MiB)
    child.kill(signal)
    const { code, stdout, stderr } = await ended
    expect(code).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'cli/interrupted', detail: { signal } } })
    expect(stderr).toBe(`codex-light: interrupted by ${signal} (cli/interrupted)\n`)
    expect(await soundSpace(dataDir)).toEqual(before)
    expect(holderOf(dataDir)).toBe('')
  },
)

test('a second signal ends the process at once', () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never)
  onTestFinished(() => exit.mockRestore())
  const before = process.listenerCount('SIGHUP')
  const controller = new AbortController()
  const stopWatching = watchInterrupts(controller)
  process.emit('SIGHUP', 'SIGHUP')
  expect(controller.signal.reason).toMatchObject({ code: 'cli/interrupted' })
  expect(exit).not.toHaveBeenCalled()
  process.emit('SIGHUP', 'SIGHUP')
  expect(exit).toHaveBeenCalledExactlyOnceWith(130)
  stopWatching()
  expect(process.listenerCount('SIGHUP')).toBe(before)
})

test('an interrupted download takes its part away', async () => {
  const folder = scratchFolder()
  const dataDir = join(folder, 'data')
  writeFileSync(join(folder, 'file'), noise(64 * MiB, 1))
  const { cid } = await document(['upload', join(folder, 'file'), '-d', dataDir])
  const { child, ended } = start(['download', String(cid), '-o', join(folder, 'back'), '-d', dataDir])
  const written = (): string[] => readdirSync(folder).filter((name) => name.startsWith('back'))
  await expect.poll(written, { timeout: 20_000, interval: 1 }).not.toEqual([])
  child.kill('SIGINT')
  const { code } = await ended
  // It may have been done before the signal came, or before it was seen; null is the code of a process that ends by a signal when nothing is left to do.
  expect([0, 130, null]).toContain(code)
  expect(written()).toEqual(code === 130 ? [] : ['back'])
})

test('a reader who stops early is no error', async () => {
  const folder = scratchFolder()
  const dataDir = join(folder, 'data')
  writeFileSync(join(folder, 'file'), noise(8 * MiB, 1))
  const { cid } = await document(['upload', join(folder, 'file'), '-d', dataDir])
  const download = start(['download', String(cid), '-o', '-', '-d', dataDir])
  download.child.stdout.once('data', () => download.child.stdout.destroy())
  expect(await download.ended).toMatchObject({ code: 0, stderr: '' })
  const help = start(['--help'])
  help.child.stdout.destroy()
  expect(await help.ended).toMatchObject({ code: 0, stderr: '' })
  await soundSpace(dataDir)
})
