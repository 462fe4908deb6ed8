import { expect, test } from 'vitest'

import { repairSentence } from '../../web/repairsentence.ts'

test('says what was lost and what to do, in one sentence of bounded length', () => {
  expect(repairSentence(0, [])).toBe('Repaired, the books are right again; no block was lost, every file is whole.')
  expect(repairSentence(1, ['a.txt'])).toBe(
    'Repaired, the books are right again; 1 block lost, store again or remove: a.txt.',
  )
  const names = Array.from({ length: 7 }, (_, i) => `file ${i}`)
  expect(repairSentence(12, names)).toMatch(/12 blocks lost, store again or remove: file 0, .*file 4 and 2 more\.$/)
})
