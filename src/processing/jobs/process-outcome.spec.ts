import { describe, expect, it } from 'vitest';
import type { ProcessOutcome } from '../launcher/launcher.port.js';
import { judgement } from './process-outcome.js';

function anOutcome(outcome: Partial<ProcessOutcome>): ProcessOutcome {
  return { ending: 'exited', exitStatus: 0, startedAt: null, endedAt: new Date(), isTruncated: false, ...outcome };
}

describe('judgement', () => {
  it('is well only with exit status 0', () => {
    expect(judgement(anOutcome({}), Buffer.from('a warning'))).toEqual({ status: 'done', reason: null });
  });

  it('gives the last line that the command said', () => {
    expect(judgement(anOutcome({ exitStatus: 2 }), Buffer.from('first\nlast word\n\n'))).toEqual({
      status: 'failed',
      reason: 'the command ended with exit status 2: last word',
    });
  });

  it('names the signal that ended a command', () => {
    expect(judgement(anOutcome({ exitStatus: 137 }), Buffer.alloc(0)).reason).toBe(
      'the command ended with exit status 137 (signal 9)',
    );
  });

  it('does not take a lost or stopped process for a failure of the command', () => {
    expect(judgement(anOutcome({ ending: 'lost', exitStatus: null }), Buffer.alloc(0)).status).toBe('lost');
    expect(judgement(anOutcome({ ending: 'stopped', exitStatus: 143 }), Buffer.alloc(0)).status).toBe('aborted');
    expect(judgement(anOutcome({ ending: 'time-limit' }), Buffer.alloc(0)).reason).toContain('longer');
  });
});
