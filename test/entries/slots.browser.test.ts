import * as slotsEntry from '../../src/entries/slots.browser.ts'
import { slotsEntrySuite } from '../suites/slotsentry.ts'

slotsEntrySuite('slots.browser', slotsEntry)
