import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import type { Sql } from '../../platform/database/index.js';
import { OPTIONS_LEFT_OUT } from '../acquisitions/acquisition.js';
import type { FileTask } from './file-task.js';

/** Files that a task makes enter the ledger with the task as their origin: an acquisition of its id, ended from the start. */
@Injectable()
export class DerivedFiles {
  async ensureOrigin(sql: Sql, task: FileTask, experimentDirectory: Buffer): Promise<void> {
    await sql.query(
      `INSERT INTO acquisition (id, kind, experiment_id, status, source_host, source_directory, destination_directory,
         options, started_by, scan_complete, warnings, started_at, ended_at)
       VALUES ($1, 'upload', $2, 'done', $3, $4, ''::bytea, $5, $6, true, $7, now(), now()) ON CONFLICT (id) DO NOTHING`,
      [
        task.id,
        task.experimentId,
        hostname(),
        experimentDirectory,
        JSON.stringify({
          ...OPTIONS_LEFT_OUT,
          includePatterns: [],
          excludePatterns: [],
          processHidden: false,
          processExisting: false,
          durationSeconds: null,
          quietSeconds: 0,
          metadata: { fileTask: task.id },
          skipPlugins: [],
          workflow: null,
        }),
        task.startedBy ?? task.requestedBy,
        JSON.stringify([
          { code: 'FILE_TASK', message: `These files were made by file task ${task.id} (${task.kind}).` },
        ]),
      ],
    );
  }

  async insertRow(
    sql: Sql,
    task: FileTask,
    file: {
      destinationPath: Buffer;
      sourcePath: Buffer;
      sourceHost: string;
      device: bigint;
      inode: bigint;
      sizeBytes: bigint;
      mtimeNs: bigint;
      md5Sum: string;
      catalogId: string;
    },
  ): Promise<{ ledgerId: string; version: number }> {
    const [row] = await sql.query<{ id: string; version: number }>(
      `INSERT INTO ledger (experiment_id, acquisition_id, source_host, destination_path, destination_key, source_path,
         device, inode, size_bytes, mtime_ns, version, state, md5_sum, catalog_id, finished_order, settled_at,
         transferred_at, done_at)
       SELECT $1, $2, $3, $4, sha256($4::bytea), $5, $6, $7, $8, $9,
         coalesce((SELECT max(version) FROM ledger WHERE experiment_id = $1 AND destination_key = sha256($4::bytea)), 0) + 1,
         'done', $10, $11, 1000000, now(), now(), now()
       RETURNING id, version`,
      [
        task.experimentId,
        task.id,
        file.sourceHost,
        file.destinationPath,
        file.sourcePath,
        BigInt.asIntN(64, file.device),
        BigInt.asIntN(64, file.inode),
        file.sizeBytes,
        file.mtimeNs,
        file.md5Sum,
        file.catalogId,
      ],
    );
    if (row === undefined) {
      throw new Error('the row of a derived file was not written');
    }
    return { ledgerId: row.id, version: row.version };
  }
}
