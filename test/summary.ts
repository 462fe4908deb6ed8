// A vitest reporter whose last line on stdout is the count of tests, for people and scripts alike. It is not the
// reporter that explains failures: vitest's default one runs beside it.

import type { Reporter, TestModule } from 'vitest/node'

/** Prints `N passed, N failed` after everything else, and before it how many were left out on purpose. */
export default class Summary implements Reporter {
  #line = ''

  /** Counts every test. A file that did not load, a failed hook, an error outside any test: one failure each. */
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1
      for (const group of [module, ...module.children.allSuites()]) if (group.errors().length > 0) count.failed += 1
    }
    const failed = count.failed + count.pending // Still pending at the end: interrupted.
    const left = count.skipped > 0 ? `${count.skipped} left to test:long, or to another platform\n` : ''
    this.#line = `${left}${count.passed} passed, ${failed} failed`
    // Other reporters and the clean-up print after this hook; the exit hook is the only place that is last.
    process.once('exit', () => process.stdout.write(`${this.#line}\n`))
  }
}
