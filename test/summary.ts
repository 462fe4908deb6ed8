// A vitest reporter whose last line on stdout is the count of tests, for people and scripts alike. It is not the
// reporter that explains failures: vitest's default one runs beside it.

import type { Reporter, TestModule } from 'vitest/node'

/** Prints `N passed, N failed` (and `, N skipped` when there are any) after everything else. */
export default class Summary implements Reporter {
  #line = ''

  /** Counts every test; a file that did not load, and an error outside any test, each count as one failure. */
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      for (const test of tests) count[test.result().state] += 1
      const anyFailed = tests.some((test) => test.result().state === 'failed')
      if (!module.ok() && !anyFailed) count.failed += 1
    }
    const failed = count.failed + count.pending
    this.#line = `${count.passed} passed, ${failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}`
    // Other reporters and the clean-up print after this hook; the exit hook is the only place that is last.
    process.once('exit', () => process.stdout.write(`${this.#line}\n`))
  }
}
