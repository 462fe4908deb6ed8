import { slowSetupArithmetic } from '../../src/proving/slowsetuparithmetic.ts'
import { setupArithmeticSuite } from '../suites/setuparithmetic.ts'

setupArithmeticSuite('the slow arithmetic', () => slowSetupArithmetic)
