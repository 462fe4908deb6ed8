import * as slotsEntry from '../../src/entries/slots.browser.ts'
import { hostileSlotsSuite } from '../suites/hostileslots.ts'
import { slotsEntrySuite } from '../suites/slotsentry.ts'

slotsEntrySuite('slots.browser', slotsEntry)
hostileSlotsSuite('slots.browser', slotsEntry)
