// The name that is suggested for a download, which whoever stored the file chose.

import { afterEach, expect, test, vi } from 'vitest'
import { chooseTarget } from '../../web/savefile.ts'

afterEach(() => vi.unstubAllGlobals())

test('the suggested name has no path and ends well, also where it was cut', async () => {
  const suggested: string[] = []
  vi.stubGlobal('window', {
    showSaveFilePicker: async (options: { readonly suggestedName: string }) =>
      suggested.push(options.suggestedName) && ({} as FileSystemFileHandle),
  })
  for (const filename of ['../a:b.txt', '..', `${'x'.repeat(50)}. ${'y'.repeat(118)}`])
    await chooseTarget({ filename, totalBytes: 1 })
  expect(suggested).toEqual(['_a_b.txt', 'file', 'y'.repeat(118)])
})
