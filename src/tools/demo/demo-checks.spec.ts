import { describe, expect, it } from 'vitest';
import type { FileAnswer, JobAnswer, LedgerRow } from '../../cli/api-types.js';
import { checkFacts } from './demo-checks.js';
import type { DemoFacts } from './demo-facts.js';
import { DEMO_METADATA } from './demo-stage.js';
import { DEMO_WORKFLOW } from './demo-workflow.js';

const INPUT = { sizeBytes: 30, md5Sum: 'd1' };
const FRAME = { sizeBytes: 10, md5Sum: 'd2' };
const SUMMARY = { sizeBytes: 20, md5Sum: 'd3' };
const SUMMARY_PATH = 'analysis/summaries/a.h5.txt';

function file(path: string, fact: { sizeBytes: number; md5Sum: string }, jobId: string | null = null): FileAnswer {
  const metadata = jobId === null ? DEMO_METADATA : { jobId };
  return { path, ...fact, version: 1, jobId, metadata } as unknown as FileAnswer;
}

function job(): JobAnswer {
  const stages = Object.keys(DEMO_WORKFLOW.stages).map((key) => ({
    key,
    status: 'done',
    childProcesses: [{ exitStatus: 0 }],
  }));
  return {
    id: 'j1',
    status: 'done',
    input: { path: 'data/a.h5' },
    variables: { digest: 'd1' },
    stages,
  } as unknown as JobAnswer;
}

function honestFacts(): DemoFacts {
  const paths = ['data/a.h5', 'data/b.tif', SUMMARY_PATH];
  return {
    written: [
      { path: 'data/a.h5', isHdf5: true, sizeBytes: 30, completedAtMs: 0 },
      { path: 'data/b.tif', isHdf5: false, sizeBytes: 10, completedAtMs: 0 },
    ],
    source: new Map([
      ['data/a.h5', INPUT],
      ['data/b.tif', FRAME],
    ]),
    stored: new Map([
      ['data/a.h5', INPUT],
      ['data/b.tif', FRAME],
      [SUMMARY_PATH, SUMMARY],
    ]),
    summaries: new Map([['data/a.h5', 'file data/a.h5\nmd5 d1\n']]),
    executedNames: [],
    catalog: [file('data/a.h5', INPUT), file('data/b.tif', FRAME), file(SUMMARY_PATH, SUMMARY, 'j1')],
    ledger: paths.map((path) => ({ path, state: 'done' }) as LedgerRow),
    jobs: [job()],
    statistics: {
      countFiles: 3,
      totalBytes: 60,
      meanBytes: 20,
      minBytes: 10,
      maxBytes: 30,
      standardDeviationBytes: Math.sqrt(200 / 3),
    },
    why: { path: '', verdict: '', rows: [] },
    doneAtMs: new Map(),
    seenByStranger: 0,
  };
}

function failedChecks(lie: (facts: DemoFacts) => void): string[] {
  const facts = honestFacts();
  lie(facts);
  return checkFacts(facts)
    .filter(({ passed }) => !passed)
    .map(({ name }) => name);
}

describe(checkFacts, () => {
  it('holds when all say the same', () => {
    expect(failedChecks(() => undefined)).toEqual([]);
  });

  it.each<[string, (facts: DemoFacts) => void, RegExp]>([
    [
      'a byte differs in storage',
      ({ stored }) => stored.set('data/b.tif', { ...FRAME, md5Sum: 'x' }),
      /every file arrived/,
    ],
    ['a file is missing in storage', ({ stored }) => stored.delete('data/b.tif'), /every file arrived/],
    ['the detector wrote more than arrived', ({ written }) => (written[0]!.sizeBytes = 31), /every file arrived/],
    ['a temporary file was left', ({ stored }) => stored.set('data/.dm-1.part', FRAME), /nothing half there/],
    ['the catalog has another digest', ({ catalog }) => (catalog[1]!.md5Sum = 'x'), /digest and size in the catalog/],
    ['the catalog has no digest', ({ catalog }) => (catalog[1]!.md5Sum = null), /digest and size in the catalog/],
    ['a file was cataloged twice', ({ catalog }) => catalog.push(catalog[0]!), /each file once/],
    ['a file was taken half written and is version 2 now', ({ catalog }) => (catalog[0]!.version = 2), /half written/],
    ['metadata was lost', ({ catalog }) => (catalog[0]!.metadata = {}), /metadata/],
    ['a row is not done', ({ ledger }) => (ledger[0]!.state = 'queued'), /ledger/],
    ['a row is doubled', ({ ledger }) => ledger.push(ledger[0]!), /ledger/],
    ['the total is wrong', ({ statistics }) => (statistics.totalBytes = 61), /statistics/],
    ['the deviation is wrong', ({ statistics }) => (statistics.standardDeviationBytes = 8), /statistics/],
    ['no job ran', (facts) => (facts.jobs = []), /started the workflow once/],
    ['a job ran twice', ({ jobs }) => jobs.push(job()), /started the workflow once/],
    ['a job ran on another file', ({ jobs }) => (jobs[0]!.input = { path: 'data/b.tif' }), /started the workflow once/],
    ['a job failed', ({ jobs }) => (jobs[0]!.status = 'failed'), /three stages/],
    ['a stage was left out', ({ jobs }) => jobs[0]!.stages!.pop(), /three stages/],
    ['a job took another digest', ({ jobs }) => (jobs[0]!.variables = { digest: 'x' }), /digest that a job took/],
    ['a summary says something else', ({ summaries }) => summaries.set('data/a.h5', 'md5 x\n'), /summary that it left/],
    ['nobody knows who made a summary', ({ catalog }) => (catalog[2]!.jobId = null), /which job made/],
    ['a name was executed', (facts) => (facts.executedNames = ['/tmp/PWNED']), /taken for a command/],
    ['a stranger sees the experiment', (facts) => (facts.seenByStranger = 1), /sees none/],
  ])('does not hold when %s', (_, lie, name) => {
    expect(failedChecks(lie).join('\n')).toMatch(name);
  });

  it('names what it found', () => {
    const facts = honestFacts();
    facts.stored.delete('data/b.tif');
    expect(checkFacts(facts)[0]).toMatchObject({ passed: false, detail: 'data/b.tif' });
  });
});
