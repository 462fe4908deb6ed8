// wallet new: makes the node's key.

import { createKeystore } from '../nodejs.ts'
import { keystorePath } from './chainsettings.ts'
import { readPassword } from './readpassword.ts'
import { KEYSTORE_SETTINGS } from './settings.ts'
import { defineVerb } from './verb.ts'

export const walletNew = defineVerb({
  about: `Makes a key and keeps it, encrypted with a password, in a Web3 keystore that only this user may read. Without the password, or without
the file, what the address holds is lost: keep a copy of both. Never writes over a key.`,
  options: {},
  settings: KEYSTORE_SETTINGS,
  examples: ['codex-light wallet new --password-file PASSWORD'],
  document: '{ address, keystore (path) }',
  async run(_, call) {
    const keystore = await keystorePath(call.settings)
    const password = await readPassword(call, true)
    const address = await call.terminal.progress({ label: 'encrypting' }, () => createKeystore(keystore, password))
    await call.terminal.answer({ address, keystore }, address)
    call.terminal.remark(`its key is in ${keystore}; keep a copy of it, and of the password`)
    return undefined
  },
})
