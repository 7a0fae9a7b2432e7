import { Injectable } from '@nestjs/common';
import { SYSTEM_PRINCIPAL } from '../../../auth/index.js';
import { type CatalogFile, CatalogService, parseSort } from '../../../catalog/index.js';
import { textToPath } from '../../../kernel/path-text.js';
import { AuditedRows } from '../audited-rows.js';
import type { NewFinding } from '../finding.js';
import { type AuditPhaseWork, type AuditScene, type AuditStep, nextPhase } from './audit-step.js';

const BATCH = 500;
const ROW_ID = /^\d{1,18}$/;

/** Each document of the catalog that speaks of a stored file: does the ledger have it? Those added by hand do not. */
@Injectable()
export class DocumentsPhase implements AuditPhaseWork {
  constructor(
    private readonly catalog: CatalogService,
    private readonly rows: AuditedRows,
  ) {}

  async step({ audit, experiment }: AuditScene): Promise<AuditStep> {
    const page = await this.catalog.query(SYSTEM_PRINCIPAL, experiment.id, {
      // Oldest first: what is recorded meanwhile comes at the end.
      sort: parseSort('storedAt'),
      limit: BATCH,
      cursor: (audit.cursor as string | null) ?? undefined,
    });
    const told = page.items.filter((document) => document.ledgerId !== null);
    const known = await this.rows.documented(
      experiment.id,
      told.flatMap(({ ledgerId }) => (ledgerId !== null && ROW_ID.test(ledgerId) ? [ledgerId] : [])),
    );
    return {
      next:
        page.nextCursor === null
          ? { phase: nextPhase('documents', audit.isDeep), cursor: null }
          : { phase: 'documents', cursor: page.nextCursor },
      counts: { documents: page.items.length },
      findings: told.filter(({ ledgerId }) => !known.has(ledgerId ?? '')).map(surplus),
      copies: [],
      digests: [],
    };
  }
}

/** The whole document is evidence: whoever removes it can put it back from here. */
function surplus(document: CatalogFile): NewFinding {
  return {
    kind: 'document-surplus',
    path: textToPath(document.path),
    version: document.version,
    ledgerId: null,
    what: `The catalog names ledger row ${document.ledgerId ?? ''}, which has no content in storage.`,
    evidence: { expected: {}, found: { md5Sum: document.md5Sum, sizeBytes: String(document.sizeBytes) }, document },
  };
}
