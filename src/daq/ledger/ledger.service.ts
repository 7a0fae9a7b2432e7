import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { pathToText } from '../../kernel/path-text.js';
import { Database } from '../../platform/database/index.js';
import { decodeCursor, type Page, pageOf } from '../../platform/http/index.js';
import { ExperimentsService } from '../../experiments/index.js';
import { Destinations, type Replica, ReplicaRepository } from '../../storage/index.js';
import { pathFromText } from '../acquisitions/destination.js';
import { type FileWhy, type KeptSource, type OtherSource, type ReplicaView, whyOf } from './file-why.js';
import type { LedgerState } from './ledger-row.js';
import { CopyOrderRepository } from '../replication/copy-order.repository.js';
import { type LedgerRecord, type LedgerRowView, ledgerRowView } from './ledger-row.view.js';

const rowCursor = z.string().regex(/^\d{1,18}$/);

/** Reading the ledger for people. Callers have checked access to the experiment. */
@Injectable()
export class LedgerService {
  constructor(
    private readonly database: Database,
    private readonly replicas: ReplicaRepository,
    private readonly experiments: ExperimentsService,
    private readonly destinations: Destinations,
    private readonly orders: CopyOrderRepository,
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
    const ids = rows.map((row) => row.id);
    return whyOf(path, rows, {
      replicas: await this.replicasOf(experimentId, ids),
      copies: await this.orders.of(ids),
      otherSources: await this.otherSourcesOf(ids),
      keptSources: await this.keptSourcesOf(ids),
    });
  }

  private async replicasOf(experimentId: number, ledgerIds: readonly string[]): Promise<ReplicaView[]> {
    const experiment = await this.experiments.findById(experimentId);
    const directory = Buffer.from(experiment?.storageDirectory ?? '');
    return (await this.replicas.of(ledgerIds)).map((replica) =>
      replicaView(replica, this.destinations.locate(replica.destination, directory, replica.location)),
    );
  }

  private async keptSourcesOf(ledgerIds: readonly string[]): Promise<KeptSource[]> {
    const records = await this.database.query<{ ledger_id: string; decided_at: Date; reason: string }>(
      `SELECT ledger_id, decided_at, reason FROM source_removal
       WHERE ledger_id = ANY($1::bigint[]) AND outcome = 'kept'`,
      [ledgerIds],
    );
    return records.map(({ ledger_id, decided_at, reason }) => ({
      ledgerId: ledger_id,
      at: decided_at.toISOString(),
      reason,
    }));
  }

  private async otherSourcesOf(ledgerIds: readonly string[]): Promise<OtherSource[]> {
    const records = await this.database.query<{
      ledger_id: string;
      source_host: string;
      source_path: Buffer;
      acquisition_id: string;
      found_at: Date;
    }>(
      `SELECT ledger_id, source_host, source_path, acquisition_id, found_at FROM ledger_other_source
       WHERE ledger_id = ANY($1::bigint[]) ORDER BY ledger_id, found_at`,
      [ledgerIds],
    );
    return records.map((record) => ({
      ledgerId: record.ledger_id,
      host: record.source_host,
      path: pathToText(record.source_path),
      acquisitionId: record.acquisition_id,
      foundAt: record.found_at.toISOString(),
    }));
  }
}

function replicaView(replica: Replica, location: Buffer): ReplicaView {
  const { ledgerId, destination, md5Sum, sizeBytes, proof, verifiedAt, trouble } = replica;
  return {
    ledgerId,
    destination,
    location: pathToText(location),
    md5Sum,
    sizeBytes: Number(sizeBytes),
    proof,
    verifiedAt: verifiedAt.toISOString(),
    trouble: trouble === null ? null : { kind: trouble, reason: replica.troubleReason },
  };
}
