import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/** Ends a run with `N passed, N failed, N skipped`, alone on a line, for people and for the machine that runs the CI. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[], reason: TestRunEndReason): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests += 1;
        const { state } = test.result();
        // A test that never came to run, since its file's set-up failed, has not passed.
        counts[state === 'pending' ? 'failed' : state] += 1;
      }
      // A file that cannot be loaded has no tests; it must not look like a file without failures.
      if (module.state() === 'failed' && (tests === 0 || module.errors().length > 0)) {
        counts.failed += 1;
      }
    }
    // A set-up that failed, or a name that no file has, leaves no tests behind: nothing tested is not nothing wrong.
    if (counts.failed === 0 && (reason !== 'passed' || counts.passed + counts.skipped === 0)) {
      counts.failed = 1;
    }
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  }
}
