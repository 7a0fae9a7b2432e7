import type { StageDefinition } from '../definitions/workflow-definition.schema.js';
import type { Lookup } from '../substitution/command-rewriter.js';
import { parseCondition } from '../substitution/condition.js';
import type { JobProcess } from './job.js';

export type StageMove =
  | { kind: 'skip'; reason: string }
  /** A process is on record that has no end yet: find out what became of it. */
  | { kind: 'attach'; process: JobProcess }
  | { kind: 'launch' }
  | { kind: 'wait'; until: Date }
  | { kind: 'end'; status: 'done' | 'failed' | 'aborted'; reason: string | null };

/** What a stage does next, from its records alone, so that a restart goes on exactly where the crash was. */
export function planStage(
  stage: StageDefinition,
  processes: readonly JobProcess[],
  lookup: Lookup,
  now: Date,
): StageMove {
  const last = processes.at(-1);
  if (last === undefined) {
    return stage.runIf !== undefined && !parseCondition(stage.runIf)(lookup)
      ? { kind: 'skip', reason: `its condition does not hold: ${stage.runIf}` }
      : { kind: 'launch' };
  }
  switch (last.status) {
    case 'running':
      return { kind: 'attach', process: last };
    case 'failed':
    case 'lost':
      return { kind: 'end', status: 'failed', reason: last.reason };
    case 'aborted':
      return { kind: 'end', status: 'aborted', reason: last.reason };
    case 'done':
      return repeat(stage, processes.length, last, lookup, now);
  }
}

/** dm-interfaces 5.8: the first run is at once, each further one a period after the one before, tested after each. */
function repeat(stage: StageDefinition, runs: number, last: JobProcess, lookup: Lookup, now: Date): StageMove {
  const { repeatPeriod, repeatUntil, maxRepeats } = stage;
  if (repeatPeriod === undefined || repeatUntil === undefined || maxRepeats === undefined) {
    return { kind: 'end', status: 'done', reason: null };
  }
  if (parseCondition(repeatUntil)(lookup)) {
    return { kind: 'end', status: 'done', reason: null };
  }
  if (runs >= maxRepeats) {
    return {
      kind: 'end',
      status: 'failed',
      reason: `it ran ${runs} times (maxRepeats) and its end did not come: ${repeatUntil}`,
    };
  }
  const due = new Date((last.endedAt ?? now).getTime() + repeatPeriod * 1000);
  return due > now ? { kind: 'wait', until: due } : { kind: 'launch' };
}
