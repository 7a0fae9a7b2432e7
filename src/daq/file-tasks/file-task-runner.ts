import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ExperimentsService } from '../../experiments/index.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { EventLog, WakeableLoop } from '../../platform/events/index.js';
import { AreaRights, StorageArea } from '../../storage/index.js';
import { Deletion } from './deletion.js';
import type { FileTask, FileTaskItem, FileTaskStatus, ItemOutcome } from './file-task.js';
import { FileTaskRepository } from './file-task.repository.js';
import { FileWorker } from './file-worker.js';
import { Transformation } from './transformation.js';
import { ExperimentFiles, trashOf } from './trash.js';

const LOOK_INTERVAL_MS = 1000;
const BATCH = 50;
/** Nobody remembers a preview that is older. */
const PREVIEW_HOURS = 24;

/**
 * Works on started file tasks, one at a time, file by file. What it has done is in the database, so it goes on after a
 * restart where it was; a fault that may pass (storage away, database away) is waited out.
 */
@Injectable()
export class FileTaskRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new WakeableLoop('file tasks', LOOK_INTERVAL_MS, () => this.turn());
  private isStopping = false;

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly experiments: ExperimentsService,
    private readonly area: StorageArea,
    private readonly rights: AreaRights,
    private readonly repository: FileTaskRepository,
    private readonly deletion: Deletion,
    private readonly transformation: Transformation,
    private readonly worker: FileWorker,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.worker.stop(); // a file of terabytes must not hold up the stop; it is begun anew
    await this.loop.stop();
  }

  wake(): void {
    this.loop.wake();
  }

  private async turn(): Promise<boolean> {
    await this.repository.discardStale(PREVIEW_HOURS);
    await this.repository.emptyWhatIsDue();
    const task = await this.repository.nextActive();
    if (task === undefined) {
      return false;
    }
    await this.area.requirePresent();
    const experiment = await this.experiments.findById(task.experimentId);
    if (experiment === undefined) {
      return true; // its tasks went with it
    }
    const files = new ExperimentFiles(Buffer.from(experiment.storageDirectory), this.rights);
    switch (task.status) {
      case 'running':
        return this.run(task, files);
      case 'undoing':
        return this.undo(task, files);
      case 'emptying':
        return this.empty(task, files);
      default:
        return this.end(task, 'cancelling', 'cancelled');
    }
  }

  private async run(task: FileTask, files: ExperimentFiles): Promise<boolean> {
    const step = task.kind === 'delete' ? this.deletion : this.transformation;
    return this.eachItem(task, { state: 'pending' }, 'done', (item) => step.apply(task, item, files));
  }

  private async undo(task: FileTask, files: ExperimentFiles): Promise<boolean> {
    return this.eachItem(task, { state: 'done', isInTrash: true }, 'undone', (item) =>
      this.deletion.undo(task, item, files),
    );
  }

  private async eachItem(
    task: FileTask,
    which: { state: string; isInTrash?: boolean },
    end: FileTaskStatus,
    work: (item: FileTaskItem) => Promise<ItemOutcome>,
  ): Promise<boolean> {
    const items = await this.repository.items(task.id, { ...which, after: this.afterOf(task), limit: BATCH });
    if (items.length === 0) {
      this.undoneUpTo.delete(task.id);
      return this.end(task, task.status, end);
    }
    for (const item of items) {
      if (this.isStopping || (await this.repository.get(task.id)).status !== task.status) {
        return true;
      }
      const outcome = await work(item);
      await this.repository.settle(this.database, task.id, item, outcome);
      if (task.status === 'undoing') {
        this.undoneUpTo.set(task.id, item.ordinal);
      }
    }
    return true;
  }

  /** What cannot be brought back stays in the trash; it is not tried again within one undo. */
  private readonly undoneUpTo = new Map<string, number>();

  private afterOf(task: FileTask): number {
    return task.status === 'undoing' ? (this.undoneUpTo.get(task.id) ?? 0) : 0;
  }

  private async empty(task: FileTask, files: ExperimentFiles): Promise<boolean> {
    const items = await this.repository.items(task.id, { isInTrash: true, after: 0, limit: BATCH });
    if (items.length > 0) {
      await files.remove(trashOf(task.id));
      for (const item of items) {
        await this.deletion.forget(task, item);
      }
      return true;
    }
    return this.end(task, 'emptying', 'emptied');
  }

  private async end(task: FileTask, from: FileTaskStatus, to: FileTaskStatus): Promise<boolean> {
    const { doneFiles, doneBytes, leftOutFiles } = await this.repository.get(task.id);
    await this.database.transaction(async (tx) => {
      const facts = { isEnd: true, ...(from === 'undoing' ? {} : { trashDays: this.config.daq.trashDays }) };
      if (await this.repository.move(tx, task.id, [from], to, facts)) {
        await this.events.append(tx, [
          {
            type: `file-task.${to}`,
            experimentId: task.experimentId,
            subject: task.id,
            data: {
              fileTaskId: task.id,
              kind: task.kind,
              by: task.undoneBy ?? task.startedBy,
              files: doneFiles,
              bytes: doneBytes,
              leftOut: leftOutFiles,
            },
          },
        ]);
      }
    });
    return true;
  }
}
