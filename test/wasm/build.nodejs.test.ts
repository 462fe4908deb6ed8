import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const SCRIPT = fileURLToPath(new URL('../../wasm/build.js', import.meta.url))
const SILENCE = { stdout: '', stderr: '' }

it('the embedded kernels are of the sources, flags and compiler that are here, and whole', async () => {
  await expect(promisify(execFile)(process.execPath, [SCRIPT, '--check-sources'])).resolves.toEqual(SILENCE)
})

it.runIf(import.meta.env['LONG'])('they are, byte for byte, what their sources compile to', async () => {
  await expect(promisify(execFile)(process.execPath, [SCRIPT, '--check'])).resolves.toEqual(SILENCE)
})
