import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedCli } from '../../../test/support/scripted-cli.js';
import { page } from '../../../test/support/scripted-station.js';
import { EXIT } from '../exit-codes.js';

const running = {
  id: 'a1',
  experiment: 'e1',
  status: 'running',
  phase: 'copies',
  deep: true,
  byteBudget: null,
  bytesPerSecond: null,
  counts: {
    copies: 10,
    files: 10,
    documents: 10,
    verified: 9,
    bytesRead: 900,
    touched: 0,
    withoutDigest: 0,
    copiesElsewhere: 7,
    sourcesElsewhere: 1,
  },
  findings: {},
  repairs: { requested: 0, repaired: 0, obsolete: 0, failed: 0 },
  breaker: 'closed',
  isBudgetSpent: false,
  waitsFor: null,
  errorMessage: null,
  startedBy: 'ruth',
  createdAt: '2026-11-21T08:15:00Z',
  startedAt: '2026-11-21T08:15:00Z',
  endedAt: null,
};

describe('dm audit', () => {
  let cli: ScriptedCli;

  beforeEach(async () => {
    cli = await ScriptedCli.start();
  });
  afterEach(() => cli.stop());

  it('sends what was asked for, waits, and ends with 20 when something is wrong', async () => {
    let polls = 0;
    cli.station.on('POST /api/v1/audits', { status: 201, body: { ...running, status: 'pending' } });
    cli.station.on('GET /api/v1/audits/a1', () => {
      polls += 1;
      return { body: polls < 3 ? running : { ...running, status: 'done', findings: { changed: 1, 'source-gone': 4 } } };
    });
    const options = ['--deep', '--byte-budget', '50GB', '--rate', '200MB/s', '--repair', 'missing,changed', '--wait'];
    const { exitCode, stdout } = await cli.run(['audit', 'start', 'e1', ...options]);
    expect(exitCode).toBe(EXIT.workFailed);
    expect(stdout).toContain('1 changed, 4 source-gone');
    expect(stdout).toContain('7 copies at further destinations, 1 sources on other machines');
    expect(cli.station.seen('POST /api/v1/audits').body).toEqual({
      experiment: 'e1',
      deep: true,
      byteBudget: 50_000_000_000,
      bytesPerSecond: 200_000_000,
      repair: ['missing', 'changed'],
    });
  });

  it('is content with sources that are gone and with what was repaired', async () => {
    const done = {
      ...running,
      status: 'done',
      findings: { changed: 1, 'source-gone': 4 },
      repairs: { ...running.repairs, repaired: 1 },
    };
    cli.station.on('POST /api/v1/audits/a1/repairs', { status: 202, body: { requested: 1 } });
    cli.station.on('GET /api/v1/audits/a1', { body: done });
    const { exitCode } = await cli.run(['audit', 'repair', 'a1', '--finding', '17']);
    expect(exitCode).toBe(EXIT.ok);
    expect(cli.station.seen('POST /api/v1/audits/a1/repairs').body).toEqual({ findings: ['17'] });
  });

  it('shows a finding on one line, whatever its name is', async () => {
    const finding = {
      id: '17',
      kind: 'changed',
      path: 'data/a\\x0ab',
      version: 1,
      what: 'It holds other bytes than were recorded.',
      action: 'restore',
      repair: null,
    };
    cli.station.on('GET /api/v1/audits/a1/findings', page(finding));
    const { stdout } = await cli.run(['audit', 'findings', 'a1', '--kind', 'changed']);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stdout).toContain('It holds other bytes');
    expect(cli.station.seen('GET /api/v1/audits/a1/findings').query).toMatchObject({ kind: 'changed' });
  });
});
