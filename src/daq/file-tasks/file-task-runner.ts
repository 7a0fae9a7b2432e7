import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ExperimentsService } from '../../experiments/index.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { EventLog, WakeableLoop } from '../../platform/events/index.js';
import { AreaRights, StorageArea } from '../../storage/index.js';
import { Deletion } from './deletion.js';
import type { FileTask, FileTaskItem, FileTaskStatus, ItemOutcome } from './file-task.js';
import { FileTaskMetrics } from './file-task.metrics.js';
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
  private readonly logger = new Logger(FileTaskRunner.name);
  private isStopping = false;
  /** What is worked on, since when (a restart begins to count anew). */
  private work = { what: '', since: 0 };

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
    private readonly metrics: FileTaskMetrics,
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
    const what = `${task.id} ${task.status}`;
    if (this.work.what !== what) {
      this.work = { what, since: performance.now() };
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
      const begun = performance.now();
      const outcome = await work(item);
      await this.repository.settle(this.database, task.id, item, outcome);
      this.metrics.observeFile(task, item, outcome, (performance.now() - begun) / 1000);
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
    const { id: fileTaskId, experimentId, kind } = task;
    const told = {
      fileTaskId,
      kind,
      by: task.undoneBy ?? task.startedBy,
      files: doneFiles,
      bytes: doneBytes,
      leftOut: leftOutFiles,
    };
    const hasEnded = await this.database.transaction(async (tx) => {
      const facts = { isEnd: true, ...(from === 'undoing' ? {} : { trashDays: this.config.daq.trashDays }) };
      const isMoved = await this.repository.move(tx, fileTaskId, [from], to, facts);
      if (isMoved) {
        await this.events.append(tx, [{ type: `file-task.${to}`, experimentId, subject: fileTaskId, data: told }]);
      }
      return isMoved;
    });
    if (hasEnded) {
      const durationMs = Math.round(performance.now() - this.work.since);
      this.logger.log({ ...told, experimentId, durationMs }, `file task ${to}`);
      this.metrics.countStep(task, to);
    }
    return true;
  }
}
