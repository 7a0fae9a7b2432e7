import { describe, test } from 'vitest';
import { missingPrograms } from './missing-programs.js';

/**
 * A suite that needs real programs. Without them it is skipped with one loud line and counted as skipped; where `CI` is
 * set it fails instead, since there nobody reads the line.
 */
export function describeWithPrograms(name: string, programs: readonly string[], body: () => void): void {
  const missing = missingPrograms(...programs);
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const reason = `${missing.join(', ')} is not installed`;
  if (['1', 'true'].includes(process.env['CI'] ?? '')) {
    test(name, () => {
      throw new Error(`Cannot be tested: ${reason}.`);
    });
    return;
  }
  console.warn(`\n!!! SKIPPED: "${name}" since ${reason}. !!!\n`);
  describe.skip(name, body);
}
