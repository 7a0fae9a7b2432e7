import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import type { Report } from '../chaos/report.ts';
import { repositoryRoot } from '../support/repository-root.js';
import { cleanEnvironment } from '../support/station-process.js';

/** `DM_TEST_SEED=7 npm test -- test/e2e/chaos.spec.ts` tries another. */
const seed = process.env['DM_TEST_SEED'] ?? '20';

describe(`the short form of npm run chaos (DM_TEST_SEED=${seed})`, () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dm-chaos-')));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps all that is promised over every fault that can strike here', { timeout: 240_000 }, async () => {
    await chmod(folder, 0o755);
    const options = ['--seed', seed, '--minutes', '0.6', '--round', '36', '--rate', '60'];
    const chaos = spawn(process.execPath, [join(repositoryRoot, 'test/chaos/main.ts'), ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), DM_DATA_DIR: folder },
    });
    const [summary, timeline, [code]] = await Promise.all([
      text(chaos.stdout),
      text(chaos.stderr),
      once(chaos, 'close') as Promise<[number | null]>,
    ]);
    console.log(summary);
    expect(code, timeline).toBe(0);

    const report = JSON.parse(readFileSync(join(folder, 'chaos', 'report.json'), 'utf8')) as Report;
    expect(report).toMatchObject({ seed: Number(seed), lost: 0, corrupt: 0, duplicated: 0, phantom: 0, other: 0 });
    expect(report.files).toBeGreaterThan(1000);
    expect(report.settledSeconds).toBeLessThanOrEqual(60);
    const tried = Object.keys(report.faultsTried);
    expect(tried.length + Object.keys(report.faultsLeftOut).length, timeline).toBe(11);
    // A fault that never hits tests nothing.
    expect(tried.filter((kind) => report.faults[kind as keyof Report['faults']] === 0)).toEqual([]);
  });
});
