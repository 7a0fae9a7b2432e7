import type { Fault } from '../copy-faults.js';
import type { TransferOutcome, TransferTask } from '../transfer-engine.port.js';
import { BatchDirectories } from './batch-directories.js';
import { CopyAttempt } from './copy-attempt.js';
import { GroupCopier, groupsOf, SMALL_BYTES } from './copy-group.js';
import { StreamCopier, streamGroupsOf } from './copy-streams.js';

/**
 * Copies batches with synchronous calls (made for a worker thread: measured three times faster than promises on small
 * files). Directories are synced once per batch, after their last file; only then is anything reported as published.
 */
export class BatchCopier {
  private groups: GroupCopier | undefined;
  private readonly streams = new StreamCopier();

  copy(tasks: readonly TransferTask[]): TransferOutcome[] {
    const directories = new BatchDirectories();
    const attempts = tasks.map((task) => new CopyAttempt(task));
    const small = attempts.filter(isSmall);
    try {
      for (const group of groupsOf(small)) {
        this.groups ??= new GroupCopier();
        this.groups.copy(group, directories);
        directories.destinations.release();
      }
      for (const group of streamGroupsOf(attempts.filter((attempt) => !isSmall(attempt)))) {
        this.streams.copy(group, directories);
        directories.destinations.release();
      }
      return outcomesOf(attempts, directories.destinations.syncTouched());
    } finally {
      directories.close();
    }
  }

  close(): void {
    this.streams.close();
  }
}

function outcomesOf(
  attempts: readonly CopyAttempt[],
  faultOfDirectory: (task: TransferTask) => Fault | undefined,
): TransferOutcome[] {
  return attempts.map(({ task, outcome }) => {
    const fault = outcome?.status === 'published' ? faultOfDirectory(task) : undefined;
    if (outcome === undefined || fault !== undefined) {
      return { id: task.id, status: 'failed', ...(fault ?? NOTHING_SAID) };
    }
    return outcome;
  });
}

const NOTHING_SAID = { code: 'NO_OUTCOME', message: 'The copy ended without an outcome.', kind: 'transient' } as const;

function isSmall(attempt: CopyAttempt): boolean {
  return attempt.sizeBytes <= SMALL_BYTES;
}
