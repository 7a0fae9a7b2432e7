import type { StageDefinition } from '../definitions/workflow-definition.schema.js';
import { compileOutputPattern } from '../definitions/output-pattern.js';
import type { Launcher, ProcessOutcome } from '../launcher/launcher.port.js';
import type { JobProcess } from './job.js';

/** Output variables are looked for in at most this much of the end of standard output: it happens on the event loop. */
const SEARCHED_BYTES = 1_048_576;

/** The record of a process that ended: what it printed, how it ended, and why that is not good. */
export async function endedProcess(
  launcher: Launcher,
  process: JobProcess,
  outcome: ProcessOutcome,
  tailBytes: number,
): Promise<JobProcess> {
  const output = launcher.output(process.reference);
  const stderrTail = await output.tail('stderr', tailBytes);
  return {
    ...process,
    ...judgement(outcome, stderrTail),
    exitStatus: outcome.exitStatus,
    stdoutTail: await output.tail('stdout', tailBytes),
    stderrTail,
    stdoutBytes: await output.size('stdout'),
    stderrBytes: await output.size('stderr'),
    isTruncated: outcome.isTruncated,
    startedAt: outcome.startedAt ?? process.startedAt,
    endedAt: outcome.endedAt,
  };
}

export function judgement(outcome: ProcessOutcome, stderrTail: Buffer): Pick<JobProcess, 'status' | 'reason'> {
  switch (outcome.ending) {
    case 'stopped':
      return { status: 'aborted', reason: 'it was stopped' };
    case 'time-limit':
      return { status: 'failed', reason: 'it ran longer than a stage may and was stopped' };
    case 'lost':
      return {
        status: 'lost',
        reason: 'it began and is gone without an exit status (killed, or the machine was restarted)',
      };
    case 'exited':
      return outcome.exitStatus === 0
        ? { status: 'done', reason: null }
        : {
            status: 'failed',
            reason: `the command ended with ${exitInWords(outcome.exitStatus)}${lastLine(stderrTail)}`,
          };
  }
}

/** The variables that the stage's patterns find in its standard output, in text form. */
export async function foundOutputs(
  launcher: Launcher,
  process: JobProcess,
  stage: StageDefinition,
): Promise<Record<string, string>> {
  const patterns = stage.outputVariableRegexList ?? [];
  if (patterns.length === 0) {
    return {};
  }
  const output = await launcher.output(process.reference).tail('stdout', SEARCHED_BYTES);
  const found: Record<string, string> = {};
  for (const pattern of patterns) {
    for (const [name, value] of compileOutputPattern(pattern).find(output)) {
      found[name] = value.text;
    }
  }
  return found;
}

function exitInWords(status: number | null): string {
  if (status === null) {
    return 'no exit status';
  }
  return status > 128 ? `exit status ${status} (signal ${status - 128})` : `exit status ${status}`;
}

function lastLine(stderr: Buffer): string {
  const line = stderr.toString('utf8').trimEnd().split('\n').at(-1)?.replaceAll('\0', '').trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, 300)}`;
}
