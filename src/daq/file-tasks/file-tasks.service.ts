import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { AccessService, type Principal } from '../../auth/index.js';
import { ExperimentsService } from '../../experiments/index.js';
import { StationError } from '../../kernel/errors.js';
import { Database } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { decodeCursor, type Page, pageOf } from '../../platform/http/index.js';
import type { FileTask, FileTaskKind, FileTaskRequest, FileTaskStatus } from './file-task.js';
import { FileTaskMetrics } from './file-task.metrics.js';
import { fileTaskNotFound, FileTaskRepository } from './file-task.repository.js';
import type {
  FileTaskBody,
  FileTaskItemsQuery,
  FileTaskItemView,
  FileTasksQuery,
  FileTaskView,
} from './file-task.schema.js';
import { FilePreview } from './file-preview.js';
import { FileTaskRunner } from './file-task-runner.js';

const listCursor = z.tuple([z.string(), z.uuid()]);
const itemCursor = z.int();

/** Compress, decompress and delete stored files: first a preview, then, with its token, the work. */
@Injectable()
export class FileTasksService {
  private readonly logger = new Logger(FileTasksService.name);

  constructor(
    private readonly access: AccessService,
    private readonly experiments: ExperimentsService,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly repository: FileTaskRepository,
    private readonly previews: FilePreview,
    private readonly runner: FileTaskRunner,
    private readonly metrics: FileTaskMetrics,
  ) {}

  /** @throws StationError FORBIDDEN, NO_FILE_MATCHES, TOO_MANY_FILES, OPTION_NOT_APPLICABLE … */
  async preview(principal: Principal, body: FileTaskBody): Promise<FileTaskView> {
    const { id: experimentId } = await this.experiments.getByName(principal, body.experiment);
    const { kind, algorithm, allVersions, removeOriginals } = body;
    if ((kind === 'delete' && removeOriginals) || (kind !== 'delete' && allVersions)) {
      throw new StationError(
        'invalid',
        'OPTION_NOT_APPLICABLE',
        'removeOriginals is for compress and decompress, allVersions for delete; leave it out.',
      );
    }
    await this.requireRight(principal, experimentId, kind, removeOriginals);
    const request: FileTaskRequest = {
      pattern: body.pattern ?? null,
      regex: body.regex ?? null,
      filter: body.filter ?? null,
      allVersions,
      algorithm,
      removeOriginals,
    };
    const begun = performance.now();
    const id = await this.previews.make({ kind, experimentId, request, requestedBy: principal.username });
    this.tell(principal, await this.repository.get(id), 'previewed', begun);
    return this.get(principal, id);
  }

  /** @throws StationError FILE_TASK_NOT_FOUND, FILE_TASK_STATE, FILE_TASK_TOKEN, FORBIDDEN */
  async start(principal: Principal, id: string, token: string): Promise<FileTaskView> {
    const task = await this.require(principal, id);
    await this.requireRight(principal, task.experimentId, task.kind, task.request.removeOriginals);
    if (task.token !== token) {
      throw new StationError(
        'conflict',
        'FILE_TASK_TOKEN',
        'This is not the token of the preview; look at the preview again and start with what it shows.',
      );
    }
    await this.move(principal, task, ['previewed'], 'running', { startedBy: principal.username });
    return this.get(principal, id);
  }

  /** What is done stays done; what was deleted can be brought back by an undo. */
  async cancel(principal: Principal, id: string): Promise<FileTaskView> {
    const task = await this.require(principal, id);
    await this.requireRight(principal, task.experimentId, task.kind, task.request.removeOriginals);
    await this.move(principal, task, ['running'], 'cancelling', {});
    return this.get(principal, id);
  }

  /** @throws StationError NOTHING_IN_TRASH */
  async undo(principal: Principal, id: string): Promise<FileTaskView> {
    const task = await this.require(principal, id);
    await this.access.require(principal, 'file.delete', { experimentId: task.experimentId });
    requireTrash(task);
    await this.move(principal, task, ['done', 'cancelled'], 'undoing', { undoneBy: principal.username });
    return this.get(principal, id);
  }

  /** Frees the space at once; there is no way back. */
  async empty(principal: Principal, id: string): Promise<FileTaskView> {
    const task = await this.require(principal, id);
    await this.access.require(principal, 'file.delete', { experimentId: task.experimentId });
    requireTrash(task);
    await this.move(principal, task, ['done', 'cancelled'], 'emptying', {});
    return this.get(principal, id);
  }

  async get(principal: Principal, id: string): Promise<FileTaskView> {
    const task = await this.require(principal, id);
    return viewOf(task, await this.nameOf(task.experimentId), principal);
  }

  async list(principal: Principal, query: FileTasksQuery): Promise<Page<FileTaskView>> {
    const visible = await this.access.visibleExperiments(principal);
    const chosen =
      query.experiment === undefined ? undefined : await this.experiments.getByName(principal, query.experiment);
    const after = decodeCursor(query.cursor, listCursor);
    const tasks = await this.repository.list({
      experimentIds: chosen !== undefined ? [chosen.id] : visible === 'all' ? undefined : visible,
      kind: query.kind,
      status: query.status,
      after: after === undefined ? undefined : { createdAt: after[0], id: after[1] },
      limit: query.limit + 1,
    });
    const page = pageOf(tasks, query.limit, (last) => [last.createdAt.toISOString(), last.id]);
    const items: FileTaskView[] = [];
    for (const task of page.items) {
      items.push(viewOf(task, await this.nameOf(task.experimentId), principal));
    }
    return { items, nextCursor: page.nextCursor };
  }

  async items(principal: Principal, id: string, query: FileTaskItemsQuery): Promise<Page<FileTaskItemView>> {
    await this.require(principal, id);
    const after = decodeCursor(query.cursor, itemCursor) ?? 0;
    const found = await this.repository.items(id, { state: query.state, after, limit: query.limit + 1 });
    const page = pageOf(found, query.limit, (last) => last.ordinal);
    return {
      items: page.items.map(({ document, state, reasonCode, reason, isInTrash, derived }) => ({
        path: document.path,
        version: document.version,
        sizeBytes: document.sizeBytes,
        md5Sum: document.md5Sum,
        state,
        reasonCode,
        reason,
        isInTrash,
        derived: derived === null ? null : { path: derived.path, sizeBytes: derived.sizeBytes, md5Sum: derived.md5Sum },
      })),
      nextCursor: page.nextCursor,
    };
  }

  /** The change and the event that tells who made it exist together or not at all. */
  private async move(
    principal: Principal,
    task: FileTask,
    from: readonly FileTaskStatus[],
    to: FileTaskStatus,
    facts: { startedBy?: string; undoneBy?: string },
  ): Promise<void> {
    const begun = performance.now();
    await this.database.transaction(async (tx) => {
      if (!(await this.repository.move(tx, task.id, from, to, facts))) {
        throw new StationError(
          'conflict',
          'FILE_TASK_STATE',
          `The task is ${(await this.repository.get(task.id)).status}; this is for tasks that are ${from.join(' or ')}.`,
        );
      }
      await this.events.append(tx, [
        {
          type: `file-task.${to}`,
          experimentId: task.experimentId,
          subject: task.id,
          data: { fileTaskId: task.id, kind: task.kind, by: principal.username, files: task.files, bytes: task.bytes },
        },
      ]);
    });
    this.tell(principal, task, to, begun);
    this.runner.wake();
  }

  private tell(principal: Principal, task: FileTask, step: FileTaskStatus, begun: number): void {
    const { id: fileTaskId, experimentId, kind, files, bytes } = task;
    const durationMs = Math.round(performance.now() - begun);
    this.logger.log(
      { fileTaskId, experimentId, kind, by: principal.username, files, bytes, durationMs },
      `file task ${step}`,
    );
    this.metrics.countStep(task, step);
  }

  /** Whoever has the originals removed deletes. */
  private async requireRight(
    principal: Principal,
    experimentId: number,
    kind: FileTaskKind,
    removesOriginals: boolean,
  ): Promise<void> {
    if (kind !== 'delete') {
      await this.access.require(principal, 'file.transform', { experimentId });
    }
    if (kind === 'delete' || removesOriginals) {
      await this.access.require(principal, 'file.delete', { experimentId });
    }
  }

  private async require(principal: Principal, id: string): Promise<FileTask> {
    const task = await this.repository.get(id);
    const { allowed } = await this.access.can(principal, 'file.read', { experimentId: task.experimentId });
    if (!allowed) {
      throw fileTaskNotFound(id);
    }
    return task;
  }

  private async nameOf(experimentId: number): Promise<string> {
    return (await this.experiments.findById(experimentId))?.name ?? '';
  }
}

function requireTrash(task: FileTask): void {
  if (task.trashUntil === null) {
    throw new StationError('conflict', 'NOTHING_IN_TRASH', 'Nothing of this task is in the trash.');
  }
}

function viewOf(task: FileTask, experiment: string, principal: Principal): FileTaskView {
  const { experimentId: _, request, token, requestedBy, ...facts } = task;
  return {
    ...facts,
    ...request,
    experiment,
    requestedBy,
    token: task.status === 'previewed' && requestedBy === principal.username ? token : null,
    createdAt: task.createdAt.toISOString(),
    startedAt: task.startedAt?.toISOString() ?? null,
    endedAt: task.endedAt?.toISOString() ?? null,
    trashUntil: task.trashUntil?.toISOString() ?? null,
  };
}
