import { Injectable } from '@nestjs/common';
import { SYSTEM_PRINCIPAL } from '../../../auth/index.js';
import { CatalogService } from '../../../catalog/index.js';
import { StationError } from '../../../kernel/errors.js';
import { pathToText } from '../../../kernel/path-text.js';
import { Destinations, ReplicaRepository } from '../../../storage/index.js';
import { AuditedRows } from '../audited-rows.js';
import type { RepairOutcome, RepairScene } from './repair-outcome.js';

/** Makes the catalog say what the ledger says. */
@Injectable()
export class DocumentRepair {
  constructor(
    private readonly rows: AuditedRows,
    private readonly replicas: ReplicaRepository,
    private readonly destinations: Destinations,
    private readonly catalog: CatalogService,
  ) {}

  /** The document anew, or its facts; metadata that somebody has edited stays. */
  async rewrite({ finding, experiment }: RepairScene): Promise<RepairOutcome> {
    const id = finding.ledgerId ?? '0';
    const row = (await this.rows.byIds(experiment.id, [id])).get(id);
    if (row === undefined) {
      return { state: 'obsolete', note: 'The ledger has no such version in storage any more.' };
    }
    const replicas = await this.replicas.of([row.id]);
    const { inserted, updated } = await this.catalog.recordFiles(experiment.id, [
      {
        id: row.catalogId,
        path: pathToText(row.path),
        version: row.version,
        sizeBytes: Number(row.sizeBytes),
        md5Sum: row.md5Sum,
        modifiedAt: new Date(Number(row.mtimeNs / 1_000_000n)),
        storedAt: row.storedAt,
        acquisitionId: row.acquisitionId,
        jobId: row.jobId,
        ledgerId: row.id,
        replicas: replicas
          .filter(({ trouble }) => trouble === null)
          .map(({ destination, location, proof, verifiedAt }) => ({
            destination,
            location: pathToText(this.destinations.locate(destination, experiment.directory, location)),
            proof,
            verifiedAt: verifiedAt.toISOString(),
          })),
        metadata: row.metadata,
      },
    ]);
    return inserted + updated > 0
      ? { state: 'repaired', note: 'Written anew from the ledger.' }
      : { state: 'obsolete', note: 'The catalog says the same as the ledger by now.' };
  }

  /** The finding holds the whole document: it can be put back from there. */
  async remove({ finding, experiment }: RepairScene): Promise<RepairOutcome> {
    const document = finding.evidence['document'] as { id: string; ledgerId: string } | undefined;
    if (document === undefined) {
      return { state: 'failed', note: 'The finding does not say which document it is about.' };
    }
    if (
      (
        await this.rows.byIds(
          experiment.id,
          [document.ledgerId].filter((id) => /^\d{1,18}$/.test(id)),
        )
      ).size > 0
    ) {
      return { state: 'obsolete', note: 'The ledger has that row by now.' };
    }
    try {
      await this.catalog.delete(SYSTEM_PRINCIPAL, experiment.id, document.id);
      return { state: 'repaired', note: 'Removed from the catalog; this finding keeps what it said.' };
    } catch (error) {
      if (error instanceof StationError && error.kind === 'not-found') {
        return { state: 'obsolete', note: 'The document is gone already.' };
      }
      throw error;
    }
  }
}
