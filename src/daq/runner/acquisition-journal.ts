import type { Sql } from '../../platform/database/index.js';
import type { Acquisition, AcquisitionStatus } from '../acquisitions/acquisition.js';
import { endReasonOf, lastFileOf } from '../acquisitions/acquisition-end.js';
import type { RunnerParts } from './runner-parts.js';

/** Status changes of an acquisition, each with its event. */
export class AcquisitionJournal {
  constructor(
    private readonly parts: RunnerParts,
    private readonly acquisition: Acquisition,
  ) {}

  /** Compare-and-set of the status; keeps the object in step. Answers whether it changed. */
  async move(from: readonly AcquisitionStatus[], to: AcquisitionStatus): Promise<boolean> {
    const { parts, acquisition } = this;
    const startedAt = to === 'running' && acquisition.startedAt === null ? new Date() : undefined;
    const moved = await parts.database.transaction(async (tx) => {
      const changed = await parts.acquisitions.change(tx, acquisition.id, from, {
        status: to,
        ...(startedAt === undefined ? {} : { startedAt }),
      });
      if (changed) {
        await parts.events.append(tx, [this.event('acquisition.status', { status: to })]);
      }
      return changed;
    });
    if (moved) {
      acquisition.status = to;
      acquisition.startedAt ??= startedAt ?? null;
    }
    return moved;
  }

  async finish(
    status: 'done' | 'failed' | 'aborted',
    errorMessage: string | null,
    alongWith: (sql: Sql) => Promise<void>,
  ): Promise<void> {
    const { parts, acquisition } = this;
    const counts = (await parts.acquisitions.counts([acquisition.id])).get(acquisition.id);
    const lastFile = lastFileOf(await parts.acquisitions.lastFile(acquisition.id));
    await parts.database.transaction(async (tx) => {
      const ended = await parts.acquisitions.end(tx, acquisition.id, status, errorMessage);
      await alongWith(tx);
      const { stoppedBy } = ended;
      const endReason = endReasonOf(ended);
      await parts.events.append(tx, [
        this.event('acquisition.finished', {
          status,
          errorMessage,
          counts: counts ?? {},
          endReason,
          stoppedBy,
          lastFile,
        }),
      ]);
    });
    acquisition.status = status;
  }

  private event(type: string, data: { status: string; [fact: string]: unknown }) {
    const { id, kind, experimentId, jobId } = this.acquisition;
    return { type, experimentId, subject: id, data: { acquisitionId: id, kind, jobId, experimentId, ...data } };
  }
}
