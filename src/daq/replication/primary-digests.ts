import type { TransferEngine, TransferOutcome, TransferTask } from '../../storage/index.js';

/**
 * Digests of the primary copies that a transfer found to be other content than was expected, by ledger id; read once more,
 * which is rare enough. Of those that cannot be read, or go on changing, there is none.
 */
export async function digestsOfChanged(
  engine: TransferEngine,
  tasks: readonly TransferTask[],
  outcomes: readonly TransferOutcome[],
): Promise<Map<string, string>> {
  const changed = new Set(outcomes.filter(({ status }) => status === 'changed').map(({ id }) => id));
  if (changed.size === 0) {
    return new Map();
  }
  const again = await engine
    .transfer(tasks.filter(({ id }) => changed.has(id)).map(asComparison))
    // What was published meanwhile must be written down: this is asked again with the next attempt.
    .catch((): TransferOutcome[] => []);
  return new Map(again.flatMap((outcome) => (outcome.status === 'compared' ? [[outcome.id, outcome.md5Sum]] : [])));
}

function asComparison({ expectedMd5Sum: _, ...task }: TransferTask): TransferTask {
  return { ...task, mode: 'compare' };
}
