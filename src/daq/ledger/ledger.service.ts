import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Database } from '../../platform/database/index.js';
import { decodeCursor, type Page, pageOf } from '../../platform/http/index.js';
import { ReplicaRepository } from '../../storage/index.js';
import { pathFromText } from '../acquisitions/destination.js';
import { type FileWhy, whyOf } from './file-why.js';
import type { LedgerState } from './ledger-row.js';
import { type LedgerRecord, type LedgerRowView, ledgerRowView } from './ledger-row.view.js';

const rowCursor = z.string().regex(/^\d+$/);

/** Reading the ledger for people. Callers have checked access to the experiment. */
@Injectable()
export class LedgerService {
  constructor(
    private readonly database: Database,
    private readonly replicas: ReplicaRepository,
  ) {}

  async list(
    scope: { experimentId: number; acquisitionId?: string },
    query: { state?: LedgerState[] | undefined; path?: string | undefined; limit: number; cursor?: string | undefined },
  ): Promise<Page<LedgerRowView>> {
    const records = await this.database.query<LedgerRecord>(
      `SELECT * FROM ledger
       WHERE experiment_id = $1 AND ($2::uuid IS NULL OR acquisition_id = $2)
         AND ($3::text[] IS NULL OR state = ANY($3))
         AND ($4::bytea IS NULL OR destination_key = sha256($4))
         AND ($5::bigint IS NULL OR id < $5)
       ORDER BY id DESC LIMIT $6`,
      [
        scope.experimentId,
        scope.acquisitionId ?? null,
        query.state ?? null,
        query.path === undefined ? null : pathFromText(query.path),
        decodeCursor(query.cursor, rowCursor) ?? null,
        query.limit + 1,
      ],
    );
    const page = pageOf(records, query.limit, (last) => last.id);
    return { items: page.items.map(ledgerRowView), nextCursor: page.nextCursor };
  }

  /**
   * What is known of a file, and why it stands where it stands. `path`: relative to the experiment's directory, or the
   * absolute path of its source.
   */
  async why(experimentId: number, path: string): Promise<FileWhy> {
    const bytes = pathFromText(path);
    const records = await this.database.query<LedgerRecord>(
      bytes[0] === 0x2f
        ? `SELECT l.* FROM ledger l JOIN acquisition a ON a.id = l.acquisition_id
           WHERE a.experiment_id = $1
             AND substring($2::bytea FROM 1 FOR octet_length(a.source_directory)) = a.source_directory
             AND l.experiment_id = $1 AND l.destination_key = sha256(a.destination_directory ||
               substring($2::bytea FROM octet_length(a.source_directory) + 1))
           ORDER BY l.id DESC LIMIT 100`
        : `SELECT * FROM ledger WHERE experiment_id = $1 AND destination_key = sha256($2::bytea)
           ORDER BY id DESC LIMIT 100`,
      [experimentId, bytes],
    );
    const rows = records.map(ledgerRowView);
    return whyOf(path, rows, await this.replicas.of(rows.map((row) => row.id)));
  }
}
