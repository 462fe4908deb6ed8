// The first step: a key of this node's own. Made here, brought along, or unlocked.

import { useSignal } from '@preact/signals'

import { type KeyDesk, MIN_PASSWORD_CHARS } from './keydesk.ts'

interface Parts {
  readonly desk: KeyDesk
  readonly next: () => void
}

export function KeyStep({ desk, next }: Parts) {
  const state = desk.state.value
  const isImport = useSignal(false)
  return (
    <>
      {desk.problem.value !== undefined && (
        <p class="banner bad" role="alert">
          {desk.problem.value}
        </p>
      )}
      <p class="quiet" role="status">
        {desk.busy.value}
      </p>
      {state.at === 'locked' && (
        <>
          <KeyForm
            words="This browser keeps a key. Unlock it to go on."
            act="Unlock"
            fields={['password']}
            submit={({ password }) => desk.unlock(password).then(next)}
          />
          <p class="quiet">
            Nobody can tell a forgotten password: without it, and without another copy of the key, what the key holds is
            lost.
          </p>
          <button type="button" class="plain" onClick={() => desk.saveCopy()}>
            Save the encrypted copy
          </button>
          {desk.mayBeginAnew.value && (
            <details class="fact">
              <summary>The password is forgotten</summary>
              <p class="quiet">
                No slots wait for this key. It stays in this browser, encrypted, beside a new one, but this page uses
                the new one from then on: save the copy first if the key holds anything.
              </p>
              <button type="button" onClick={() => void desk.beginAnew()}>
                Begin with a new key
              </button>
            </details>
          )}
        </>
      )}
      {state.at === 'none' && (
        <>
          {isImport.value ? (
            <KeyForm
              words="A private key of 64 hex digits, or a Web3 keystore with the password that opens it."
              act="Import this key"
              fields={['text', 'password', 'again']}
              submit={({ text, password, again }) => desk.bring(text, password, again)}
            />
          ) : (
            <KeyForm
              words="A new key, kept in this browser, encrypted with a password of yours. It signs without asking, so it should hold no more than a provider needs."
              act="Make a key"
              fields={['password', 'again']}
              submit={({ password, again }) => desk.make(password, again)}
            />
          )}
          <button type="button" class="plain" onClick={() => (isImport.value = !isImport.value)}>
            {isImport.value ? 'Make a new key instead' : 'Bring a key along instead'}
          </button>
        </>
      )}
      {state.at === 'open' && (
        <>
          <p>
            The key is <code class="cid">{state.key.address}</code>
          </p>
          <p class="quiet">
            A browser may lose what it keeps. A saved copy opens in any wallet, with the password; nothing else brings a
            lost key back.
          </p>
          <div class="row">
            <button type="button" onClick={() => desk.saveCopy()}>
              Save a copy, encrypted
            </button>
            <button type="button" onClick={next}>
              Go on
            </button>
          </div>
        </>
      )}
    </>
  )
}

type Field = 'text' | 'password' | 'again'

interface FormParts {
  readonly words: string
  readonly act: string
  readonly fields: readonly Field[]
  readonly submit: (given: Readonly<Record<Field, string>>) => Promise<void>
}

function KeyForm({ words, act, fields, submit }: FormParts) {
  return (
    <form
      class="terms"
      onSubmit={(event) => {
        event.preventDefault()
        const form = new FormData(event.currentTarget)
        const text = (name: Field): string => {
          const value = form.get(name)
          return typeof value === 'string' ? value : ''
        }
        void submit({ text: text('text'), password: text('password'), again: text('again') })
      }}
    >
      <p class="quiet">{words}</p>
      {fields.includes('text') && (
        <label>
          Private key or keystore
          <textarea name="text" rows={3} required spellcheck={false} autocomplete="off" />
        </label>
      )}
      <label>
        {fields.includes('again') ? `Password, at least ${MIN_PASSWORD_CHARS} characters` : 'Password'}
        <input
          name="password"
          type="password"
          required
          autocomplete={fields.includes('again') ? 'new-password' : 'current-password'}
        />
      </label>
      {fields.includes('again') && (
        <label>
          The password again{fields.includes('text') && ' (not for a keystore)'}
          <input name="again" type="password" required={!fields.includes('text')} autocomplete="new-password" />
        </label>
      )}
      <button type="submit">{act}</button>
    </form>
  )
}
