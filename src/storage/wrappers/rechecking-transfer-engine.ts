import type { Remains, TransferEngine, TransferOutcome, TransferTask } from '../transfer-engine.port.js';

/**
 * Reads the source once more after a corrupt copy. If it does not say the same twice, its content has changed though its
 * size and time have not, and what was copied is not to blame; if it does, the copy was corrupted on its way.
 */
export class RecheckingTransferEngine implements TransferEngine {
  constructor(private readonly inner: TransferEngine) {}

  get capabilities(): TransferEngine['capabilities'] {
    return this.inner.capabilities;
  }

  async transfer(tasks: readonly TransferTask[]): Promise<TransferOutcome[]> {
    const outcomes = await this.inner.transfer(tasks);
    const corrupt = new Map(
      outcomes.flatMap((outcome) => (outcome.status === 'corrupt' ? [[outcome.id, outcome.md5Sum] as const] : [])),
    );
    if (corrupt.size === 0) {
      return outcomes;
    }
    const again = await this.inner.transfer(
      tasks.filter((task) => corrupt.has(task.id)).map((task) => ({ ...task, mode: 'compare' })),
    );
    const verdicts = new Map(again.map((outcome) => [outcome.id, verdictOf(outcome, corrupt.get(outcome.id))]));
    return outcomes.map((outcome) => verdicts.get(outcome.id) ?? outcome);
  }

  discard(remains: readonly Remains[]): Promise<void> {
    return this.inner.discard(remains);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** Undefined: the source is as it was, so the copy stays corrupt; so it does when the source cannot be read now. */
function verdictOf(second: TransferOutcome, firstMd5Sum: string | undefined): TransferOutcome | undefined {
  switch (second.status) {
    case 'compared':
      return firstMd5Sum === undefined || second.md5Sum === firstMd5Sum
        ? undefined
        : {
            id: second.id,
            status: 'changed',
            detail: 'read twice it had two contents, though its size and time are the same',
            readings: [firstMd5Sum, second.md5Sum],
          };
    case 'changed':
    case 'vanished':
      return second;
    default:
      return undefined;
  }
}
