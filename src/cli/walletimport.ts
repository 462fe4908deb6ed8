// wallet import FILE: takes a key from elsewhere as the node's key.

import { importKeystore, readSecret } from '../nodejs.ts'
import { keystorePath } from './chainsettings.ts'
import { text } from './option.ts'
import { readPassword } from './readpassword.ts'
import { KEYSTORE_SETTINGS } from './settings.ts'
import { defineVerb } from './verb.ts'

export const walletImport = defineVerb({
  operands: { text: 'FILE', min: 1, max: 1 },
  about: `Takes the key in FILE as the node's key: a Web3 keystore, or 64 hex digits. FILE must be readable by its owner alone and stays as it is.
The node's keystore gets the password of --password-file; so must FILE have, unless --import-password-file says otherwise.
Use a key that no other program uses: two that send with one key take each other's place.`,
  options: {
    'import-password-file': text('FILE', 'its first line is the password of the keystore that is imported'),
  },
  settings: KEYSTORE_SETTINGS,
  examples: [
    'codex-light wallet import KEY --password-file PASSWORD',
    'codex-light wallet import KEYSTORE.json --import-password-file OLD --password-file PASSWORD',
  ],
  document: '{ address, keystore (path) }',
  async run(options, call) {
    const [file = ''] = call.operands
    const keystore = await keystorePath(call.settings)
    const secret = await readSecret(file, 'imported key')
    const password = await readPassword(call, true)
    const own = options['import-password-file']
    const passwordOfText = own === undefined ? password : ((await readSecret(own, 'password')).split(/\r?\n/)[0] ?? '')
    const address = await call.terminal.progress({ label: 'encrypting' }, () =>
      importKeystore(keystore, secret, { passwordOfText, password }),
    )
    await call.terminal.answer({ address, keystore }, address)
    return undefined
  },
})
