import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = resolve(import.meta.dirname, '..');
const servers = [resolve(import.meta.dirname, 'support/global-setup.ts')];
const built = resolve(import.meta.dirname, 'support/build.ts');

/** A level of tests that use real servers. They wait more than they compute, so two files at a time suit two cores. */
function level(name: string, testTimeout: number) {
  return {
    root,
    test: {
      name,
      include: [`test/${name}/**/*.spec.ts`],
      globalSetup: name === 'e2e' ? [built, ...servers] : servers,
      maxWorkers: 2,
      testTimeout,
      hookTimeout: testTimeout,
      sequence: { groupOrder: ['unit', 'contract', 'medium', 'e2e'].indexOf(name) },
    },
  };
}

export default defineConfig({
  root,
  test: {
    reporters: ['default', resolve(import.meta.dirname, 'support/summary-reporter.ts')],
    // Generous everywhere: a slow machine is not a failure; what must be fast is measured by the benches.
    teardownTimeout: 60_000,
    projects: [
      {
        root,
        test: {
          name: 'unit',
          include: ['src/**/*.spec.ts', 'test/support/**/*.spec.ts', 'test/chaos/**/*.spec.ts'],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      level('contract', 60_000),
      level('medium', 60_000),
      level('e2e', 300_000),
    ],
  },
});
