import { Injectable, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { CatalogService } from '../../catalog/index.js';
import { ExperimentsService } from '../../experiments/index.js';
import { pathToText } from '../../kernel/path-text.js';
import { Database } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { Destinations, ReplicaRepository } from '../../storage/index.js';

const copiesMade = z.object({ experimentId: z.number().int(), ledgerIds: z.array(z.string()) });

interface VersionRecord {
  id: string;
  destination_path: Buffer;
  version: number;
  size_bytes: string;
  md5_sum: string;
  mtime_ns: string;
}

/** Tells the catalog where further copies of a file are. A durable consumer, so that a catalog that is down learns later. */
@Injectable()
export class CopiesInCatalog implements OnModuleInit {
  constructor(
    private readonly events: EventLog,
    private readonly database: Database,
    private readonly replicas: ReplicaRepository,
    private readonly catalog: CatalogService,
    private readonly experiments: ExperimentsService,
    private readonly destinations: Destinations,
  ) {}

  onModuleInit(): void {
    this.events.subscribe('daq.copies-in-catalog', ['copies.made'], async (events) => {
      for (const event of events) {
        const { experimentId, ledgerIds } = copiesMade.parse(event.data);
        await this.tell(experimentId, ledgerIds);
      }
    });
  }

  private async tell(experimentId: number, ledgerIds: readonly string[]): Promise<void> {
    const versions = await this.database.query<VersionRecord>(
      `SELECT id, destination_path, version, size_bytes, md5_sum, mtime_ns FROM ledger
       WHERE id = ANY($1::bigint[]) AND experiment_id = $2 AND version IS NOT NULL`,
      [ledgerIds, experimentId],
    );
    const replicas = Map.groupBy(await this.replicas.of(versions.map((row) => row.id)), (replica) => replica.ledgerId);
    const experiment = await this.experiments.findById(experimentId);
    if (versions.length === 0 || experiment === undefined) {
      return; // the experiment was deleted meanwhile
    }
    const directory = Buffer.from(experiment.storageDirectory);
    await this.catalog.recordFiles(
      experimentId,
      versions.map((row) => ({
        path: pathToText(row.destination_path),
        version: row.version,
        sizeBytes: Number(row.size_bytes),
        md5Sum: row.md5_sum,
        modifiedAt: new Date(Number(BigInt(row.mtime_ns) / 1_000_000n)),
        ledgerId: row.id,
        replicas: (replicas.get(row.id) ?? []).map(({ destination, location, proof, verifiedAt }) => ({
          destination,
          location: pathToText(this.destinations.locate(destination, directory, location)),
          proof,
          verifiedAt: verifiedAt.toISOString(),
        })),
      })),
    );
  }
}
