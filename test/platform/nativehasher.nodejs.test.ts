import { NativeHasher } from '../../src/platform/nodejs/nativehasher.ts'
import { hasherSuite } from '../suites/hasher.ts'

hasherSuite('NativeHasher', () => new NativeHasher())
