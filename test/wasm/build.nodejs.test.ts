import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const SCRIPT = fileURLToPath(new URL('../../wasm/build.js', import.meta.url))

it('the embedded kernels are, byte for byte, what their sources compile to', async () => {
  await expect(promisify(execFile)(process.execPath, [SCRIPT, '--check'])).resolves.toEqual({ stdout: '', stderr: '' })
})
