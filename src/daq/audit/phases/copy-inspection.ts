import { Injectable } from '@nestjs/common';
import { StorageArea } from '../../../storage/index.js';
import { type AuditedRow, AuditedRows, copyPathOf, placeOf } from '../audited-rows.js';
import { Inspector } from '../inspection/inspector.js';
import type { DigestAnswer } from '../inspection/digest.js';
import type { Look } from '../inspection/look.js';
import type { AuditScene } from './audit-step.js';
import { compareContent, compareCopy, type CopyVerdict } from './compare-copy.js';

/** Thrown when a person stopped the audit, or the station stops, in the middle of a step. */
export class AuditInterrupted extends Error {}

export interface InspectedCopy {
  row: AuditedRow;
  look: Look;
  verdict: CopyVerdict;
  /** Null where the content was not read. */
  content: Extract<DigestAnswer, { kind: 'read' }> | null;
}

/**
 * Looks at copies so that what it says still holds: a verdict against a copy counts only if the ledger said the same of
 * the copy before and after the look, no newer content of the path is on its way, and the storage area is there.
 */
@Injectable()
export class CopyInspection {
  constructor(
    private readonly rows: AuditedRows,
    private readonly inspector: Inspector,
    private readonly area: StorageArea,
  ) {}

  /** By presence, size and time. Rows whose file is just being replaced are left out: the next audit sees them. */
  async look(scene: AuditScene, rows: readonly AuditedRow[]): Promise<InspectedCopy[]> {
    const first = await this.lookOnce(scene, rows);
    const doubtful = first.filter(({ verdict }) => verdict.kind !== 'good');
    if (doubtful.length === 0) {
      return first;
    }
    const again = await this.rows.byIds(
      scene.experiment.id,
      doubtful.map(({ row }) => row.id),
    );
    const second = await this.lookOnce(
      scene,
      [...again.values()].filter((row) => !row.isMoving),
    );
    const standing = await this.stillStanding(scene, second);
    return [...first.filter(({ verdict }) => verdict.kind === 'good'), ...standing];
  }

  /** The same with content. @throws AuditInterrupted */
  async read(scene: AuditScene, row: AuditedRow): Promise<InspectedCopy | undefined> {
    const { wantsSha256, bytesPerSecond } = scene.audit;
    const path = copyPathOf(row, scene.experiment.directory);
    const answer = await this.inspector.digest(path, { wantsSha256, bytesPerSecond });
    if (answer.kind === 'cancelled') {
      throw new AuditInterrupted('the audit was stopped in the middle of a file');
    }
    const [look] = await this.inspector.look([path]);
    const inspected: InspectedCopy = {
      row,
      look: look ?? { kind: 'gone' },
      verdict: compareContent(row, answer),
      content: answer.kind === 'read' ? answer : null,
    };
    return inspected.verdict.kind === 'bad' ? (await this.stillStanding(scene, [inspected]))[0] : inspected;
  }

  private async lookOnce(scene: AuditScene, rows: readonly AuditedRow[]): Promise<InspectedCopy[]> {
    const looks = await this.inspector.look(rows.map((row) => copyPathOf(row, scene.experiment.directory)));
    return rows.map((row, index) => {
      const look = looks[index] ?? { kind: 'gone' };
      return { row, look, verdict: compareCopy(row, look), content: null };
    });
  }

  private async stillStanding(scene: AuditScene, inspected: readonly InspectedCopy[]): Promise<InspectedCopy[]> {
    await this.area.requirePresent();
    const now = await this.rows.byIds(
      scene.experiment.id,
      inspected.map(({ row }) => row.id),
    );
    return inspected.filter(({ row }) => {
      const after = now.get(row.id);
      return (
        after !== undefined &&
        !after.isMoving &&
        placeOf(after).equals(placeOf(row)) &&
        after.replica?.verifiedAt.getTime() === row.replica?.verifiedAt.getTime()
      );
    });
  }
}
