import { ScriptHasher } from '../../src/storage/scripthasher.ts'
import { hasherSuite } from '../suites/hasher.ts'

hasherSuite('ScriptHasher', () => new ScriptHasher())
