import { createProver } from '../../src/entries/proving.browser.ts'
import { proverSuite } from '../suites/prover.ts'

proverSuite('the prover of engine wasm', (options) => createProver({ threads: 2, ...options }), { randomProofs: true })
proverSuite('the prover of engine snarkjs', (options) => createProver({ engine: 'snarkjs', ...options }), {
  randomProofs: false,
})
