import { WebCryptoHasher } from '../../src/platform/browser/webcryptohasher.ts'
import { hasherSuite } from '../suites/hasher.ts'

hasherSuite('WebCryptoHasher', () => new WebCryptoHasher())
hasherSuite('WebCryptoHasher on an insecure page', () => new WebCryptoHasher({ subtle: undefined }))
