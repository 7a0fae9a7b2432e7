import { Injectable } from '@nestjs/common';
import { AuditedRows } from '../audited-rows.js';
import { type AuditPhaseWork, type AuditScene, type AuditStep, noteOf } from './audit-step.js';
import { CopyInspection, type InspectedCopy } from './copy-inspection.js';

/** Rows of one look into the database, which has to sort an experiment's copies for it. */
const LOOK_AHEAD = 5000;
/** A step reads so many copies, or bytes, and writes down what it knows. */
const STEP_COPIES = 200;
const STEP_BYTES = 67_108_864n;

interface Place {
  id: string;
  verifiedAt: string;
}

/**
 * The bytes of the copies, the longest unverified first. What agrees is verified as of now, so the next audit goes on with
 * others: a byte budget smaller than the experiment reads all of it in time.
 */
@Injectable()
export class ContentPhase implements AuditPhaseWork {
  private readonly ahead = new Map<string, Place[]>();

  constructor(
    private readonly rows: AuditedRows,
    private readonly copies: CopyInspection,
  ) {}

  async step(scene: AuditScene): Promise<AuditStep> {
    const { audit, experiment } = scene;
    const places = await this.placesOf(scene);
    const rows = await this.rows.byIds(
      experiment.id,
      places.slice(0, STEP_COPIES).map((place) => place.id),
    );
    const step: AuditStep = {
      next: { phase: 'ended', cursor: null },
      counts: { verified: 0, bytesRead: 0, withoutDigest: 0 },
      findings: [],
      copies: [],
      digests: [],
    };
    let [bytes, withoutDigest] = [0n, 0];
    for (const place of places.slice(0, STEP_COPIES)) {
      if (audit.byteBudget !== null && BigInt(audit.counts.bytesRead) + bytes >= BigInt(audit.byteBudget)) {
        return { ...step, next: { phase: 'ended', cursor: null }, counts: { ...countsOf(step, bytes), withoutDigest } };
      }
      if (bytes >= STEP_BYTES) {
        break;
      }
      const row = rows.get(place.id);
      if (row?.replica !== undefined && !row.isMoving) {
        if ((row.replica.md5Sum ?? row.md5Sum) === null) {
          withoutDigest += 1;
        } else {
          const read = await this.copies.read(scene, row);
          bytes += read?.content?.sizeBytes ?? 0n;
          note(step, read);
        }
      }
      step.next = { phase: 'content', cursor: place };
    }
    return { ...step, counts: { ...countsOf(step, bytes), withoutDigest } };
  }

  async end(auditId: string): Promise<void> {
    this.ahead.delete(auditId);
  }

  private async placesOf({ audit, experiment }: AuditScene): Promise<Place[]> {
    const after = audit.cursor as Place | null;
    const known = this.ahead.get(audit.id) ?? [];
    const at = after === null ? -1 : known.findIndex((place) => place.id === after.id);
    const left = after !== null && at < 0 ? [] : known.slice(at + 1);
    if (left.length > 0) {
      return left;
    }
    const found = await this.rows.longestUnverified(experiment.id, audit.createdAt, after, LOOK_AHEAD);
    this.ahead.set(audit.id, found);
    return found;
  }
}

function countsOf(step: AuditStep, bytes: bigint) {
  return { verified: step.copies.filter((copy) => copy.isConfirmed).length, bytesRead: Number(bytes) };
}

function note(step: AuditStep, copy: InspectedCopy | undefined): void {
  if (copy === undefined) {
    return;
  }
  if (copy.verdict.kind === 'bad') {
    step.findings.push(copy.verdict.finding);
    step.copies.push(...noteOf(copy.verdict.finding));
  } else if (copy.verdict.kind === 'good') {
    step.copies.push({ ledgerId: copy.row.id, trouble: null, isConfirmed: true });
    if (copy.content?.sha256Sum) {
      step.digests.push({ ledgerId: copy.row.id, sha256Sum: copy.content.sha256Sum });
    }
  }
}
