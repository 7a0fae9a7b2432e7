import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { pathToText } from '../../../kernel/path-text.js';
import { CONFIG, type StationConfig } from '../../../platform/config/index.js';
import { type AuditedRow, AuditedRows, placeOf } from '../audited-rows.js';
import type { NewFinding } from '../finding.js';
import { Inspector } from '../inspection/inspector.js';
import type { FileLook } from '../inspection/look.js';
import { type AuditPhaseWork, type AuditScene, type AuditStep, nextPhase, noteOf } from './audit-step.js';
import { factsOf, isSameTime } from './compare-copy.js';
import { CopyInspection, type InspectedCopy } from './copy-inspection.js';
import { DocumentInspection } from './document-inspection.js';

const BATCH = 500;
/** After so many bytes of copies whose time had changed the step ends: what it knows is written down. */
const STEP_BYTES = 268_435_456n;

interface Cursor {
  key: string;
  version: number;
}

/** Each file version that the ledger has in storage: its copy, its document in the catalog, and its source. */
@Injectable()
export class CopiesPhase implements AuditPhaseWork {
  private readonly host = hostname();

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly rows: AuditedRows,
    private readonly copies: CopyInspection,
    private readonly documents: DocumentInspection,
    private readonly inspector: Inspector,
  ) {}

  async step(scene: AuditScene): Promise<AuditStep> {
    const { audit, experiment } = scene;
    const after = audit.cursor as Cursor | null;
    const page = await this.rows.page(
      experiment.id,
      after === null ? null : { key: Buffer.from(after.key, 'hex'), version: after.version },
      BATCH,
    );
    const looked = await this.copies.look(scene, page);
    const read = await this.readSuspects(scene, page, looked);
    const rows = page.slice(0, read.rows);
    const ids = new Set(rows.map((row) => row.id));
    const judged = read.judged.filter(({ row }) => ids.has(row.id));
    const findings = judged.flatMap(({ verdict }) => (verdict.kind === 'bad' ? [verdict.finding] : []));
    const last = rows.at(-1);
    return {
      next:
        last === undefined
          ? { phase: nextPhase('copies', audit.isDeep), cursor: null }
          : { phase: 'copies', cursor: { key: last.key.toString('hex'), version: last.version } satisfies Cursor },
      counts: {
        copies: rows.length,
        bytesRead: Number(read.bytes),
        touched: read.touched,
        copiesElsewhere: rows.reduce((sum, row) => sum + row.copiesElsewhere, 0),
        sourcesElsewhere: rows.filter((row) => hasSource(row) && row.sourceHost !== this.host).length,
      },
      findings: [
        ...findings,
        ...judged.flatMap((copy) => this.permissionsOf(scene, copy)),
        ...(await this.documents.ofRows(experiment.id, rows)),
        ...(await this.sourcesOf(rows)),
      ],
      copies: [
        ...findings.flatMap(noteOf),
        // Read and equal: whatever was the matter with it is over.
        ...judged
          .filter(({ verdict, content }) => verdict.kind === 'good' && content !== null)
          .map(({ row }) => ({ ledgerId: row.id, trouble: null, isConfirmed: true })),
      ],
      digests: judged.flatMap(({ row, verdict, content }) =>
        verdict.kind === 'good' && content?.sha256Sum ? [{ ledgerId: row.id, sha256Sum: content.sha256Sum }] : [],
      ),
    };
  }

  /**
   * Reads the copies whose time alone has changed, while the byte budget lasts. `rows`: how many of the page are judged; a
   * step that has read much ends before its page does.
   */
  private async readSuspects(
    scene: AuditScene,
    page: readonly AuditedRow[],
    looked: readonly InspectedCopy[],
  ): Promise<{ judged: InspectedCopy[]; rows: number; bytes: bigint; touched: number }> {
    const byId = new Map(looked.map((copy) => [copy.row.id, copy]));
    const budget =
      scene.audit.byteBudget === null ? null : BigInt(scene.audit.byteBudget - scene.audit.counts.bytesRead);
    let [bytes, touched, rows] = [0n, 0, 0];
    for (const { id } of page) {
      const copy = byId.get(id);
      if (copy?.verdict.kind === 'suspect') {
        if (bytes >= STEP_BYTES) {
          break;
        }
        touched += 1;
        const canTell = (copy.row.replica?.md5Sum ?? copy.row.md5Sum) !== null;
        if (canTell && (budget === null || bytes < budget)) {
          const read = await this.copies.read(scene, copy.row);
          bytes += read?.content?.sizeBytes ?? 0n;
          if (read === undefined) {
            byId.delete(id);
          } else {
            byId.set(id, read);
          }
        }
      }
      rows += 1;
    }
    return { judged: [...byId.values()], rows, bytes, touched };
  }

  private permissionsOf(scene: AuditScene, { row, look, verdict }: InspectedCopy): NewFinding[] {
    if (look.kind !== 'file' || verdict.kind === 'bad') {
      return [];
    }
    const { fileMode } = this.config.storage;
    const isGroupRight = scene.groupId === null || look.gid === scene.groupId;
    if (look.mode === fileMode && isGroupRight) {
      return [];
    }
    return [
      {
        kind: 'permissions',
        path: placeOf(row),
        version: row.version,
        ledgerId: row.id,
        what: `It has mode ${octal(look.mode)} and group ${look.gid}; new files get ${octal(fileMode)} and group ${scene.groupId ?? 'unknown'}.`,
        evidence: {
          expected: { mode: octal(fileMode), groupId: scene.groupId },
          found: { mode: octal(look.mode), groupId: look.gid, userId: look.uid },
        },
      },
    ];
  }

  /** Sources on this machine; of those elsewhere nothing is known here. */
  private async sourcesOf(rows: readonly AuditedRow[]): Promise<NewFinding[]> {
    const here = rows.filter((row) => hasSource(row) && row.sourceHost === this.host);
    const looks = await this.inspector.look(here.map((row) => row.sourcePath));
    return here.flatMap((row, index) => {
      const look = looks[index];
      if (look === undefined || look.kind === 'unreadable') {
        return [];
      }
      if (look.kind !== 'file') {
        return [sourceFinding(row, 'source-gone', 'The source is not there any more.', {})];
      }
      return look.sizeBytes === row.sizeBytes && isSameTime(look.mtimeNs, row.mtimeNs)
        ? []
        : [sourceFinding(row, 'source-changed', 'The source has another size or time by now.', factsOf(look))];
    });
  }
}

/** Whether the source should still hold this version. */
function hasSource(row: AuditedRow): boolean {
  return row.isNewest && !row.isSourceRemoved;
}

function sourceFinding(
  row: AuditedRow,
  kind: 'source-gone' | 'source-changed',
  what: string,
  found: ReturnType<typeof factsOf>,
): NewFinding {
  return {
    kind,
    path: row.path,
    version: row.version,
    ledgerId: row.id,
    what,
    evidence: {
      source: pathToText(row.sourcePath),
      expected: { sizeBytes: String(row.sizeBytes), mtimeNs: String(row.mtimeNs) } satisfies Partial<
        ReturnType<typeof factsOf>
      >,
      found: found satisfies Partial<Record<keyof FileLook, unknown>>,
    },
  };
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
