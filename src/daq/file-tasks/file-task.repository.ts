import { Injectable } from '@nestjs/common';
import type { CatalogFile } from '../../catalog/index.js';
import { StationError } from '../../kernel/errors.js';
import { Database, type Sql } from '../../platform/database/index.js';
import type {
  Derived,
  FileTask,
  FileTaskItem,
  FileTaskKind,
  FileTaskRequest,
  FileTaskStatus,
  ItemOutcome,
} from './file-task.js';

interface TaskRecord {
  id: string;
  kind: FileTaskKind;
  experiment_id: number;
  status: FileTaskStatus;
  request: FileTaskRequest;
  token: string | null;
  requested_by: string;
  files: number;
  bytes: string;
  last_copies: number;
  done_files: number;
  done_bytes: string;
  left_out_files: number;
  created_at: Date;
  started_at: Date | null;
  started_by: string | null;
  ended_at: Date | null;
  undone_by: string | null;
  trash_until: Date | null;
}

interface ItemRecord {
  ordinal: number;
  document: CatalogFile;
  ledger_id: string;
  location: Buffer;
  state: FileTaskItem['state'];
  reason_code: string | null;
  reason: string | null;
  derived: Derived | null;
  is_in_trash: boolean;
}

/** The primary copy of a catalogued file, as far as a task depends on it. */
export interface StoredCopy {
  ledgerId: string;
  location: Buffer;
  destinationPath: Buffer;
  md5Sum: string | null;
  sizeBytes: bigint;
  isSourceRemoved: boolean;
}

export type NewItem = Pick<FileTaskItem, 'ordinal' | 'document' | 'ledgerId' | 'location'>;

/** All SQL of file tasks. */
@Injectable()
export class FileTaskRepository {
  constructor(private readonly database: Database) {}

  async insert(task: Pick<FileTask, 'id' | 'kind' | 'experimentId' | 'request' | 'requestedBy'>): Promise<void> {
    await this.database.query(
      `INSERT INTO file_task (id, kind, experiment_id, status, request, requested_by)
       VALUES ($1, $2, $3, 'previewing', $4, $5)`,
      [task.id, task.kind, task.experimentId, JSON.stringify(task.request), task.requestedBy],
    );
  }

  async addItems(taskId: string, items: readonly NewItem[]): Promise<void> {
    await this.database.query(
      `INSERT INTO file_task_item (task_id, ordinal, document, ledger_id, location)
       SELECT $1, * FROM unnest($2::int[], $3::json[], $4::bigint[], $5::bytea[])`,
      [
        taskId,
        items.map((item) => item.ordinal),
        items.map((item) => JSON.stringify(item.document)),
        items.map((item) => item.ledgerId),
        items.map((item) => item.location),
      ],
    );
  }

  async finishPreview(
    id: string,
    found: { token: string; files: number; bytes: bigint; lastCopies: number },
  ): Promise<void> {
    await this.database.query(
      `UPDATE file_task SET status = 'previewed', token = $2, files = $3, bytes = $4, last_copies = $5
       WHERE id = $1 AND status = 'previewing'`,
      [id, found.token, found.files, found.bytes, found.lastCopies],
    );
  }

  async discard(id: string): Promise<void> {
    await this.database.query(`DELETE FROM file_task WHERE id = $1 AND status IN ('previewing', 'previewed')`, [id]);
  }

  /** Previews that nobody started. */
  async discardStale(olderThanHours: number): Promise<void> {
    await this.database.query(
      `DELETE FROM file_task WHERE status IN ('previewing', 'previewed')
         AND created_at < now() - make_interval(hours => $1)`,
      [olderThanHours],
    );
  }

  /** @throws StationError FILE_TASK_NOT_FOUND */
  async get(id: string): Promise<FileTask> {
    const [record] = await this.database.query<TaskRecord>(`SELECT * FROM file_task WHERE id = $1`, [id]);
    if (record === undefined) {
      throw fileTaskNotFound(id);
    }
    return toTask(record);
  }

  async list(query: {
    experimentIds: readonly number[] | undefined;
    kind: FileTaskKind | undefined;
    status: readonly FileTaskStatus[] | undefined;
    after: { createdAt: string; id: string } | undefined;
    limit: number;
  }): Promise<FileTask[]> {
    const records = await this.database.query<TaskRecord>(
      `SELECT * FROM file_task
       WHERE ($1::int[] IS NULL OR experiment_id = ANY($1)) AND ($2::text IS NULL OR kind = $2)
         AND ($3::text[] IS NULL OR status = ANY($3))
         AND ($4::timestamptz IS NULL OR (date_trunc('milliseconds', created_at), id) < ($4, $5::uuid))
       ORDER BY date_trunc('milliseconds', created_at) DESC, id DESC LIMIT $6`,
      [
        query.experimentIds ?? null,
        query.kind ?? null,
        query.status ?? null,
        query.after?.createdAt ?? null,
        query.after?.id ?? null,
        query.limit,
      ],
    );
    return records.map(toTask);
  }

  async nextActive(): Promise<FileTask | undefined> {
    const [record] = await this.database.query<TaskRecord>(
      `SELECT * FROM file_task WHERE status IN ('running', 'cancelling', 'undoing', 'emptying')
       ORDER BY started_at, id LIMIT 1`,
    );
    return record === undefined ? undefined : toTask(record);
  }

  /** Compare-and-set of the status; answers whether it changed. */
  async move(
    sql: Sql,
    id: string,
    from: readonly FileTaskStatus[],
    to: FileTaskStatus,
    facts: { startedBy?: string; undoneBy?: string; isEnd?: boolean; trashDays?: number } = {},
  ): Promise<boolean> {
    const rows = await sql.query(
      `UPDATE file_task SET status = $3,
         started_at = CASE WHEN $4::text IS NULL THEN started_at ELSE now() END, started_by = coalesce($4, started_by),
         undone_by = coalesce($5, undone_by), ended_at = CASE WHEN $6 THEN now() ELSE ended_at END,
         trash_until = CASE WHEN $3 IN ('undone', 'emptied') THEN NULL
           WHEN $7::float8 IS NULL THEN trash_until
           WHEN EXISTS (SELECT 1 FROM file_task_item WHERE task_id = $1 AND is_in_trash)
             THEN now() + make_interval(secs => $7 * 86400) END
       WHERE id = $1 AND status = ANY($2::text[]) RETURNING id`,
      [id, from, to, facts.startedBy ?? null, facts.undoneBy ?? null, facts.isEnd ?? false, facts.trashDays ?? null],
    );
    return rows.length > 0;
  }

  async emptyWhatIsDue(): Promise<void> {
    await this.database.query(
      `UPDATE file_task SET status = 'emptying' WHERE trash_until < now() AND status IN ('done', 'cancelled')`,
    );
  }

  async items(
    taskId: string,
    query: { state?: string | undefined; isInTrash?: boolean; after: number; limit: number },
  ): Promise<FileTaskItem[]> {
    const records = await this.database.query<ItemRecord>(
      `SELECT * FROM file_task_item WHERE task_id = $1 AND ordinal > $2 AND ($3::text IS NULL OR state = $3)
         AND ($4::boolean IS NULL OR is_in_trash = $4)
       ORDER BY ordinal LIMIT $5`,
      [taskId, query.after, query.state ?? null, query.isInTrash ?? null, query.limit],
    );
    return records.map(toItem);
  }

  async setDerived(sql: Sql, taskId: string, ordinal: number, derived: Derived): Promise<void> {
    await sql.query(`UPDATE file_task_item SET derived = $3 WHERE task_id = $1 AND ordinal = $2`, [
      taskId,
      ordinal,
      JSON.stringify(derived),
    ]);
  }

  /** Writes down what became of an item, once; the task's counters follow. */
  async settle(sql: Sql, taskId: string, item: FileTaskItem, outcome: ItemOutcome): Promise<void> {
    const state = outcome.kind;
    const rows = await sql.query(
      `UPDATE file_task_item SET state = $4, reason_code = $5, reason = $6, is_in_trash = $7
       WHERE task_id = $1 AND ordinal = $2 AND state = $3 RETURNING ordinal`,
      [
        taskId,
        item.ordinal,
        item.state,
        state === 'left-out' && item.state === 'done' ? 'done' : state,
        outcome.kind === 'left-out' ? outcome.code : null,
        outcome.kind === 'left-out' ? storable(outcome.reason) : null,
        outcome.kind === 'done' ? outcome.isInTrash : state === 'left-out' && item.isInTrash,
      ],
    );
    if (rows.length > 0 && item.state === 'pending') {
      await sql.query(
        `UPDATE file_task SET done_files = done_files + $2, done_bytes = done_bytes + $3,
           left_out_files = left_out_files + $4 WHERE id = $1`,
        [taskId, state === 'done' ? 1 : 0, state === 'done' ? item.document.sizeBytes : 0, state === 'done' ? 0 : 1],
      );
    }
  }

  async setInTrash(sql: Sql, taskId: string, ordinal: number, isInTrash: boolean): Promise<void> {
    await sql.query(`UPDATE file_task_item SET is_in_trash = $3 WHERE task_id = $1 AND ordinal = $2`, [
      taskId,
      ordinal,
      isInTrash,
    ]);
  }

  /** Primary copies of rows that are done and not deleted. */
  async copiesOf(ledgerIds: readonly string[]): Promise<Map<string, StoredCopy>> {
    const records = await this.database.query<{
      ledger_id: string;
      location: Buffer;
      destination_path: Buffer;
      md5_sum: string | null;
      size_bytes: string;
      is_source_removed: boolean;
    }>(
      `SELECT l.id AS ledger_id, coalesce(r.location, l.destination_path) AS location, l.destination_path, r.md5_sum,
         r.size_bytes, l.source_removed_at IS NOT NULL AS is_source_removed
       FROM ledger l JOIN replica r ON r.ledger_id = l.id AND r.destination = 'primary'
       WHERE l.id = ANY($1::bigint[]) AND l.state = 'done' AND l.deleted_at IS NULL`,
      [ledgerIds],
    );
    return new Map(
      records.map((record) => [
        record.ledger_id,
        {
          ledgerId: record.ledger_id,
          location: record.location,
          destinationPath: record.destination_path,
          md5Sum: record.md5_sum,
          sizeBytes: BigInt(record.size_bytes),
          isSourceRemoved: record.is_source_removed,
        },
      ]),
    );
  }

  /** Whether a version of this path stands in storage, or is on its way there. */
  async isKnown(experimentId: number, destinationPath: Buffer): Promise<boolean> {
    const [row] = await this.database.query<{ is_known: boolean }>(
      `SELECT EXISTS (
         SELECT 1 FROM ledger WHERE experiment_id = $1 AND destination_key = sha256($2::bytea)
           AND version IS NOT NULL AND deleted_at IS NULL) AS is_known`,
      [experimentId, destinationPath],
    );
    return row?.is_known ?? false;
  }

  /** Whether another version of the same path is just on its way in. */
  async isBeingReplaced(ledgerId: string): Promise<boolean> {
    const [row] = await this.database.query<{ is_replaced: boolean }>(
      `SELECT EXISTS (
         SELECT 1 FROM ledger own JOIN ledger o ON o.experiment_id = own.experiment_id
           AND o.destination_key = own.destination_key AND o.id <> own.id
         WHERE own.id = $1 AND o.state IN ('queued', 'transferring', 'verifying', 'cataloguing', 'failed')) AS is_replaced`,
      [ledgerId],
    );
    return row?.is_replaced ?? false;
  }

  async markDeleted(sql: Sql, ledgerId: string, isDeleted: boolean): Promise<void> {
    await sql.query(`UPDATE ledger SET deleted_at = CASE WHEN $2 THEN now() END WHERE id = $1`, [ledgerId, isDeleted]);
  }
}

export function fileTaskNotFound(id: string): StationError {
  return new StationError('not-found', 'FILE_TASK_NOT_FOUND', `There is no file task ${id} that you may see.`);
}

/** Text columns cannot hold U+0000. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u2400');
}

function toItem(record: ItemRecord): FileTaskItem {
  return {
    ordinal: record.ordinal,
    document: record.document,
    ledgerId: record.ledger_id,
    location: record.location,
    state: record.state,
    reasonCode: record.reason_code,
    reason: record.reason,
    derived: record.derived,
    isInTrash: record.is_in_trash,
  };
}

function toTask(record: TaskRecord): FileTask {
  return {
    id: record.id,
    kind: record.kind,
    experimentId: record.experiment_id,
    status: record.status,
    request: record.request,
    token: record.token,
    requestedBy: record.requested_by,
    files: record.files,
    bytes: Number(record.bytes),
    lastCopies: record.last_copies,
    doneFiles: record.done_files,
    doneBytes: Number(record.done_bytes),
    leftOutFiles: record.left_out_files,
    createdAt: record.created_at,
    startedAt: record.started_at,
    startedBy: record.started_by,
    endedAt: record.ended_at,
    undoneBy: record.undone_by,
    trashUntil: record.trash_until,
  };
}
