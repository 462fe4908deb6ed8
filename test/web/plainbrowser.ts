// A Chromium as people have it, driven over a plain DevTools connection: nothing in it is told to throttle less, no focus is made up. Test drivers switch all that
// off, and so cannot see what a hidden tab does. Not a test.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'

import { findChromium } from '../chromium.ts'

const START_MS = 60_000
const LOOK_MS = 100

interface Answer {
  readonly id?: number
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

export class PlainBrowser {
  readonly #process: ChildProcess
  readonly #socket: WebSocket
  readonly #profile: string
  readonly #waiting = new Map<
    number,
    { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void }
  >()
  #latest = 0

  private constructor(process: ChildProcess, socket: WebSocket, profile: string) {
    this.#process = process
    this.#socket = socket
    this.#profile = profile
    socket.on('message', (data: Buffer) => {
      const { id = 0, result = {}, error } = JSON.parse(data.toString()) as Answer
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(error.message))
    })
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the browser is gone'))
    })
  }

  /** @param flags beside those that any closed network needs */
  static async start(flags: readonly string[] = []): Promise<PlainBrowser> {
    const { executablePath, args, env } = await findChromium()
    const profile = await mkdtemp(join(tmpdir(), 'codex-light-plain-'))
    const all = [
      ...args,
      ...flags,
      '--headless=new',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      'about:blank',
    ]
    const child = spawn(executablePath, all, { stdio: ['ignore', 'ignore', 'pipe'], ...(env !== undefined && { env }) })
    const address = await new Promise<string>((resolve, reject) => {
      let said = ''
      const timer = setTimeout(() => reject(new Error(`the browser did not start: ${said}`)), START_MS)
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000)
        const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1]
        if (found === undefined) return
        clearTimeout(timer)
        resolve(found)
      })
      child.on('error', reject)
      child.on('exit', () => reject(new Error(`the browser ended: ${said}`)))
    })
    const socket = new WebSocket(address, { perMessageDeflate: false })
    await new Promise((resolve, reject) => {
      socket.on('open', resolve)
      socket.on('error', reject)
    })
    return new PlainBrowser(child, socket, profile)
  }

  /** A tab in front of all others. */
  async open(url: string): Promise<PlainTab> {
    const { targetId } = await this.send('Target.createTarget', { url })
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    return new PlainTab(this, String(targetId), String(sessionId))
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#latest
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }))
    })
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await gone
    this.#socket.terminate()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 3 })
  }
}

export class PlainTab {
  readonly #browser: PlainBrowser
  readonly #targetId: string
  readonly #sessionId: string

  constructor(browser: PlainBrowser, targetId: string, sessionId: string) {
    this.#browser = browser
    this.#targetId = targetId
    this.#sessionId = sessionId
  }

  /** Comes to the front; whichever was there is hidden. */
  async activate(): Promise<void> {
    await this.#browser.send('Target.activateTarget', { targetId: this.#targetId })
  }

  /** As the browser itself does when it saves energy. */
  async setLifecycle(state: 'frozen' | 'active'): Promise<void> {
    await this.#browser.send('Page.setWebLifecycleState', { state }, this.#sessionId)
  }

  /** The value of an expression, in plain data. */
  async read<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#browser.send(
      'Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true, userGesture: true },
      this.#sessionId,
    )
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
    return (result as { value: T }).value
  }

  /** Settles once the expression is true. Looks from outside, for timers inside may be throttled. */
  async until(expression: string, patienceMs: number): Promise<void> {
    for (const end = Date.now() + patienceMs; ;) {
      // A page that has just been opened has nothing yet that could be asked.
      const isSo = await this.read<boolean>(`Boolean(${expression})`).catch((error: unknown) => {
        if (String(error).includes('execution context')) return false
        throw error
      })
      if (isSo) return
      if (Date.now() > end)
        throw new Error(`never true: ${expression}\n${await this.read<string>('document.body.innerText')}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  /** A button by its words. */
  async click(words: string, patienceMs: number): Promise<void> {
    const find = `[...document.querySelectorAll('button')].find((each) => each.textContent.trim() === ${JSON.stringify(words)} && !each.disabled)`
    await this.until(find, patienceMs)
    await this.read(`void ${find}.click()`)
  }

  async screenshot(): Promise<Buffer> {
    const { data } = await this.#browser.send('Page.captureScreenshot', { format: 'png' }, this.#sessionId)
    return Buffer.from(String(data), 'base64')
  }
}
