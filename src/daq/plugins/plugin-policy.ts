import type { PipelineFile, PluginOutcome } from '../pipeline/file-plugin.port.js';
import { afterFault } from '../pipeline/retry-policy.js';
import type { OnError } from './plugin-settings.js';
import type { FileVerdict, PluginFault } from './plugin-step.js';

/** Longest pause between two tries of a file that waits without limit. */
const LONGEST_WAIT_SECONDS = 60;

export interface PolicyRules {
  name: string;
  onError: OnError;
  maxAttempts: number;
  nowMs: number;
}

/** What a verdict means for the file. Its copy is safe whatever a plug-in says: the row waits at this step, not before. */
export function outcomeOf(file: PipelineFile, verdict: FileVerdict, rules: PolicyRules): PluginOutcome {
  const ledgerId = file.row.id;
  switch (verdict.kind) {
    case 'passed':
      return { kind: 'passed', ledgerId, ...(verdict.warning === undefined ? {} : { warning: verdict.warning }) };
    case 'waits':
      return {
        kind: 'stopped',
        ledgerId,
        change: {
          state: 'cataloguing',
          reasonCode: 'PLUGIN_BUSY',
          reason: `Plug-in ${rules.name}: ${verdict.reason}`,
          dueInSeconds: verdict.dueInSeconds,
        },
      };
    case 'fault':
      return afterPluginFault(file, verdict, rules);
  }
}

function afterPluginFault(file: PipelineFile, fault: PluginFault, rules: PolicyRules): PluginOutcome {
  const ledgerId = file.row.id;
  const message = `Plug-in ${rules.name}: ${fault.message}`;
  if (rules.onError === 'warn') {
    return { kind: 'passed', ledgerId, warning: { code: fault.code, message } };
  }
  const waiting = { state: 'cataloguing', reasonCode: fault.code, reason: message } as const;
  if (rules.onError === 'retry') {
    const dueInSeconds = retryPauseSeconds(file.row.transferredAt, rules.nowMs);
    return { kind: 'stopped', ledgerId, change: { ...waiting, dueInSeconds } };
  }
  const change = afterFault({ kind: 'transient', code: fault.code, message }, file.row.attempts, rules.maxAttempts);
  return {
    kind: 'stopped',
    ledgerId,
    change: change.state === 'failed' ? { ...change, state: 'cataloguing' } : change,
  };
}

/**
 * Half of the time that the file has been in storage, so that the pauses grow with the waiting. The clock is the row
 * itself: a restart forgets nothing, and attempts are not used up that a later plug-in would miss.
 */
export function retryPauseSeconds(transferredAt: Date | null, nowMs: number): number {
  const ageSeconds = transferredAt === null ? 0 : (nowMs - transferredAt.getTime()) / 1000;
  return Math.min(LONGEST_WAIT_SECONDS, Math.max(1, ageSeconds / 2));
}
