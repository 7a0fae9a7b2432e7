import { describe, expect, it } from 'vitest';
import type { Lookup } from '../substitution/command-rewriter.js';
import { variableFromText } from '../substitution/variable.js';
import type { JobProcess, ProcessStatus } from './job.js';
import { planStage } from './stage-plan.js';

const NOW = new Date('2026-11-01T12:00:00Z');
const lookup: Lookup = (name) => (name === 'n' ? variableFromText('3') : 'undeclared');

function aProcess(status: ProcessStatus, endedSecondsAgo = 0): JobProcess {
  return {
    number: 0,
    stageKey: 'A',
    launch: 1,
    status,
    reference: { launcher: 'local', directory: '/d', bootId: 'b' },
    command: 'true',
    workingDir: null,
    exitStatus: 0,
    reason: `was ${status}`,
    stdoutTail: Buffer.alloc(0),
    stderrTail: Buffer.alloc(0),
    stdoutBytes: 0,
    stderrBytes: 0,
    isTruncated: false,
    submittedAt: NOW,
    startedAt: NOW,
    endedAt: new Date(NOW.getTime() - endedSecondsAgo * 1000),
  };
}

describe('planStage', () => {
  it('launches a stage without records, unless its condition forbids it', () => {
    expect(planStage({ command: 'true' }, [], lookup, NOW)).toEqual({ kind: 'launch' });
    expect(planStage({ command: 'true', runIf: '"$n" == "3"' }, [], lookup, NOW)).toEqual({ kind: 'launch' });
    expect(planStage({ command: 'true', runIf: '"$n" == "4"' }, [], lookup, NOW)).toMatchObject({ kind: 'skip' });
  });

  it('looks for a process that has no end on record, even where the condition no longer holds', () => {
    const running = aProcess('running');
    expect(planStage({ command: 'true', runIf: '1 == 2' }, [running], lookup, NOW)).toEqual({
      kind: 'attach',
      process: running,
    });
  });

  it.each([
    ['done', 'done', null],
    ['failed', 'failed', 'was failed'],
    ['lost', 'failed', 'was lost'],
    ['aborted', 'aborted', 'was aborted'],
  ] as const)('ends a stage whose process is %s as %s', (process, status, reason) => {
    expect(planStage({ command: 'true' }, [aProcess(process)], lookup, NOW)).toEqual({ kind: 'end', status, reason });
  });

  describe('of a repeating stage', () => {
    const repeating = { command: 'true', repeatPeriod: 10, repeatUntil: '"$n" == "9"', maxRepeats: 3 };

    it('waits for the rest of the period, then launches again', () => {
      expect(planStage(repeating, [aProcess('done', 4)], lookup, NOW)).toEqual({
        kind: 'wait',
        until: new Date(NOW.getTime() + 6000),
      });
      expect(planStage(repeating, [aProcess('done', 10)], lookup, NOW)).toEqual({ kind: 'launch' });
    });

    it('is done when the condition holds, also after the last run', () => {
      const runs = [aProcess('done'), aProcess('done'), aProcess('done')];
      expect(planStage({ ...repeating, repeatUntil: '"$n" == "3"' }, runs, lookup, NOW)).toMatchObject({
        kind: 'end',
        status: 'done',
      });
    });

    it('fails when the number of runs is used up', () => {
      const runs = [aProcess('done', 99), aProcess('done', 99), aProcess('done', 99)];
      expect(planStage(repeating, runs, lookup, NOW)).toMatchObject({
        kind: 'end',
        status: 'failed',
        reason: expect.stringContaining('ran 3 times'),
      });
    });
  });
});
