import { Injectable } from '@nestjs/common';
import { SYSTEM_PRINCIPAL } from '../../../auth/index.js';
import { type CatalogFile, CatalogService, parseFilter } from '../../../catalog/index.js';
import { pathToText } from '../../../kernel/path-text.js';
import type { AuditedRow } from '../audited-rows.js';
import type { NewFinding } from '../finding.js';

const PAGE = 1000;

/** Compares rows of the ledger with their documents. */
@Injectable()
export class DocumentInspection {
  constructor(private readonly catalog: CatalogService) {}

  async ofRows(experimentId: number, rows: readonly AuditedRow[]): Promise<NewFinding[]> {
    const expected = rows.filter((row) => row.state === 'done' && row.isCataloged);
    const documents = await this.documentsAt(experimentId, new Set(expected.map((row) => pathToText(row.path))));
    return expected.flatMap((row) => {
      const document = documents.get(keyOf(pathToText(row.path), row.version));
      return document === undefined ? [missing(row)] : differing(row, document);
    });
  }

  async documentsAt(experimentId: number, paths: ReadonlySet<string>): Promise<Map<string, CatalogFile>> {
    const documents = new Map<string, CatalogFile>();
    if (paths.size === 0) {
      return documents;
    }
    const filter = parseFilter({ path: { $in: [...paths] } });
    let cursor: string | undefined;
    do {
      const page = await this.catalog.query(SYSTEM_PRINCIPAL, experimentId, { filter, limit: PAGE, cursor });
      page.items.forEach((document) => documents.set(keyOf(document.path, document.version), document));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return documents;
  }
}

function keyOf(path: string, version: number): string {
  return `${version}/${path}`;
}

function missing(row: AuditedRow): NewFinding {
  return {
    kind: 'document-missing',
    path: row.path,
    version: row.version,
    ledgerId: row.id,
    what: 'The file is done, but the catalog has no document of it.',
    evidence: { expected: expectedOf(row), found: {} },
  };
}

function differing(row: AuditedRow, document: CatalogFile): NewFinding[] {
  const isSame =
    (row.md5Sum === null || document.md5Sum === row.md5Sum) && document.sizeBytes === Number(row.sizeBytes);
  return isSame
    ? []
    : [
        {
          kind: 'document-differs',
          path: row.path,
          version: row.version,
          ledgerId: row.id,
          what: 'The catalog names another digest or size than the ledger.',
          evidence: {
            expected: expectedOf(row),
            found: { md5Sum: document.md5Sum, sizeBytes: String(document.sizeBytes) },
            documentId: document.id,
          },
        },
      ];
}

function expectedOf(row: AuditedRow): Record<string, string | null> {
  return { md5Sum: row.md5Sum, sizeBytes: String(row.sizeBytes) };
}
