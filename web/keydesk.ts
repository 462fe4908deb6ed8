// The key of this browser's node: made, imported, unlocked. It is kept encrypted among the node's records, and open only in the memory of this tab.

import { signal } from '@preact/signals'

import type * as BrowserRoom from '../src/browser.ts'
import type { TabNode } from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'
import { explain } from './explain.ts'
import { isCopied, noteCopied, saveKeystore } from './keycopy.ts'

type Keys = Awaited<ReturnType<(typeof BrowserRoom)['openKeys']>>
export type NodeKey = ReturnType<Keys['generate']>

export type DeskState =
  | { readonly at: 'looking' | 'none' }
  | { readonly at: 'locked'; readonly keystore: string }
  | { readonly at: 'open'; readonly key: NodeKey; readonly keystore: string }

/** Shorter ones are guessed by anybody who gets at the file. */
export const MIN_PASSWORD_CHARS = 8

export class KeyDesk {
  readonly state = signal<DeskState>({ at: 'looking' })
  readonly problem = signal<string | undefined>(undefined)
  /** Whether the key is anywhere else, too, as far as this browser knows. */
  readonly hasCopy = signal(false)
  /** What it computes, for a second or two by intent; undefined while nothing. */
  readonly busy = signal<string | undefined>(undefined)
  /** Whether a locked key may make place for another one: no slots wait for it. */
  readonly mayBeginAnew = signal(false)
  readonly #keys: Promise<Keys>

  constructor(room: Pick<typeof BrowserRoom, 'openKeys' | 'soldHere'>, node: TabNode) {
    this.#keys = room.openKeys(node)
    void this.#trying('Looking for a key…', async (keys) => {
      const kept = await keys.place().read()
      if (kept !== undefined) this.hasCopy.value = isCopied(kept)
      this.state.value = kept === undefined ? { at: 'none' } : { at: 'locked', keystore: kept }
    }).then(() => this.#lookWhetherFree(room, node))
  }

  make(password: string, again: string): Promise<void> {
    return this.#trying('Making the key…', async (keys) => {
      checkPassword(password, again)
      await this.#keep(keys, keys.generate(), password)
    })
  }

  /** @param text 64 hex digits, or a Web3 keystore, whose own password `password` is */
  bring(text: string, password: string, again: string): Promise<void> {
    return this.#trying('Reading the key…', async (keys) => {
      const isKeystore = text.trim().startsWith('{')
      if (!isKeystore) {
        checkPassword(password, again)
        await this.#keep(keys, keys.fromPrivateKey(text), password, true)
        return
      }
      const key = await keys.unlock(text, password)
      await this.#write(keys, key, text.trim(), true)
    })
  }

  unlock(password: string): Promise<void> {
    return this.#trying('Opening the key…', async (keys) => {
      const keystore = (await keys.place().read()) ?? ''
      this.state.value = { at: 'open', key: await keys.unlock(keystore, password), keystore }
    })
  }

  /** For who has forgotten the password. The keystore stays, under another name. */
  beginAnew(): Promise<void> {
    return this.#trying('Setting the key aside…', async (keys) => {
      if (this.state.value.at !== 'locked' || !this.mayBeginAnew.value) return
      await keys.setAside()
      this.hasCopy.value = false
      this.state.value = { at: 'none' }
    })
  }

  /** Hands the person an encrypted copy. */
  saveCopy(): void {
    const state = this.state.value
    if (state.at !== 'locked' && state.at !== 'open') return
    saveKeystore(state.keystore)
    this.hasCopy.value = true
  }

  /** Where it cannot be told the key stays. */
  async #lookWhetherFree(room: Pick<typeof BrowserRoom, 'soldHere'>, node: TabNode): Promise<void> {
    if (this.state.value.at !== 'locked') return
    const sold = await room.soldHere(node, { signal: new AbortController().signal }).catch(() => undefined)
    this.mayBeginAnew.value = sold !== undefined && sold.held === undefined
  }

  async #keep(keys: Keys, key: NodeKey, password: string, isBrought = false): Promise<void> {
    await this.#write(keys, key, await keys.lock(key, password), isBrought)
  }

  /** @param isBrought from somewhere, where it is still */
  async #write(keys: Keys, key: NodeKey, keystore: string, isBrought: boolean): Promise<void> {
    await keys.place().write(keystore)
    if (isBrought) noteCopied(keystore)
    this.hasCopy.value = isBrought
    this.state.value = { at: 'open', key, keystore }
  }

  async #trying(what: string, act: (keys: Keys) => Promise<void>): Promise<void> {
    if (this.busy.value !== undefined) return
    this.busy.value = what
    this.problem.value = undefined
    try {
      await act(await this.#keys)
    } catch (error) {
      this.problem.value = explain(error)
    } finally {
      this.busy.value = undefined
    }
  }
}

/** @throws CodexError `page/bad-password` */
function checkPassword(password: string, again: string): void {
  if (password.length < MIN_PASSWORD_CHARS)
    throw new CodexError('page/bad-password', `choose a password of at least ${MIN_PASSWORD_CHARS} characters`)
  if (password !== again) throw new CodexError('page/bad-password', 'the two passwords differ: type them again')
}
