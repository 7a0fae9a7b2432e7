import { messageOf } from '../../kernel/errors.js';
import { pathToText } from '../../kernel/path-text.js';
import type { Acquisition, AcquisitionCounts, AcquisitionStatus } from '../acquisitions/acquisition.js';
import type { RunnerParts } from './runner-parts.js';

/** What an acquisition says of itself: status changes with their events, and alarms that it raises and clears. */
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

  async finish(status: 'done' | 'failed' | 'aborted', errorMessage: string | null): Promise<void> {
    const { parts, acquisition } = this;
    const counts = (await parts.acquisitions.counts([acquisition.id])).get(acquisition.id);
    await parts.database.transaction(async (tx) => {
      await parts.acquisitions.change(tx, acquisition.id, 'any', {
        status,
        endedAt: new Date(),
        ...(errorMessage === null ? {} : { errorMessage }),
      });
      await parts.events.append(tx, [
        this.event('acquisition.finished', { status, errorMessage, counts: counts ?? {} }),
      ]);
    });
    acquisition.status = status;
    await this.clearAlarms();
  }

  async sourceMissing(reason: string, isLost: boolean): Promise<void> {
    const source = pathToText(this.acquisition.sourceDirectory);
    await this.quietly(() =>
      this.parts.alarms.raise({
        key: this.key('source-missing'),
        severity: isLost ? 'critical' : 'warning',
        message: `The monitor of ${source} takes no files: ${reason}.`,
        action: isLost
          ? 'Check the mount and the detector; the monitor goes on by itself when the directory is back.'
          : 'Check the spelling and the mount; the monitor starts by itself when the directory appears.',
        experimentId: this.acquisition.experimentId,
        details: { acquisitionId: this.acquisition.id },
      }),
    );
  }

  async sourceThere(): Promise<void> {
    await this.quietly(() => this.parts.alarms.clear(this.key('source-missing')));
  }

  async sourceEmpty(isEmpty: boolean): Promise<void> {
    await this.quietly(() =>
      isEmpty
        ? this.parts.alarms.raise({
            key: this.key('source-empty'),
            severity: 'warning',
            message: `${pathToText(this.acquisition.sourceDirectory)} holds no files that this acquisition takes.`,
            action: 'Check that the detector writes there, and the include and exclude patterns.',
            experimentId: this.acquisition.experimentId,
            details: { acquisitionId: this.acquisition.id },
          })
        : this.parts.alarms.clear(this.key('source-empty')),
    );
  }

  async watchTrouble(error: unknown): Promise<void> {
    await this.quietly(() =>
      this.parts.alarms.raise({
        key: this.key('watch-trouble'),
        severity: 'warning',
        message: `File events of ${pathToText(this.acquisition.sourceDirectory)} are incomplete: ${messageOf(error)}.`,
        action:
          'New files are still found by the rescan, only later. With ENOSPC raise fs.inotify.max_user_watches; it is a limit on watches, not on disk space.',
        experimentId: this.acquisition.experimentId,
        details: { acquisitionId: this.acquisition.id },
      }),
    );
  }

  /** Entries of the source that cannot be taken, such as links and unreadable directories. */
  async notTaken(entries: readonly { path: string; code: string }[]): Promise<void> {
    const key = this.key('not-taken');
    if (entries.length === 0) {
      await this.quietly(() => this.parts.alarms.clear(key));
      return;
    }
    const shown = entries.slice(0, 5).map((entry) => `${entry.path} (${entry.code})`);
    await this.quietly(() =>
      this.parts.alarms.raise({
        key,
        severity: 'warning',
        message: `${entries.length} entries of ${pathToText(this.acquisition.sourceDirectory)} are not taken: ${shown.join(', ')}${entries.length > shown.length ? ', …' : ''}.`,
        action: 'Only regular files are data: replace links by files, and make directories readable for the station.',
        experimentId: this.acquisition.experimentId,
        details: { acquisitionId: this.acquisition.id, entries: entries.slice(0, 100) },
      }),
    );
  }

  private async clearAlarms(): Promise<void> {
    for (const name of ['source-missing', 'source-empty', 'watch-trouble', 'not-taken']) {
      await this.quietly(() => this.parts.alarms.clear(this.key(name)));
    }
  }

  /** An alarm that cannot be written now must not stop the acquisition that it is about. */
  private async quietly(action: () => Promise<void>): Promise<void> {
    await action().catch(() => undefined);
  }

  private key(name: string): string {
    return `daq.${name}:${this.acquisition.id}`;
  }

  private event(
    type: string,
    data: { status: string; errorMessage?: string | null; counts?: AcquisitionCounts | object },
  ) {
    const { id, kind, experimentId, jobId } = this.acquisition;
    return { type, experimentId, subject: id, data: { acquisitionId: id, kind, jobId, experimentId, ...data } };
  }
}
