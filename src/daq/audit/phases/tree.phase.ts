import { Injectable } from '@nestjs/common';
import { isBelowOrSame, nameOf, relativeTo } from '../../../kernel/path-bytes.js';
import { AuditedRows } from '../audited-rows.js';
import type { NewFinding } from '../finding.js';
import { Inspector } from '../inspection/inspector.js';
import type { WalkedFile } from '../inspection/walk.js';
import { SYSTEM_PLACES } from '../../system-places.js';
import { type AuditPhaseWork, type AuditScene, type AuditStep, nextPhase } from './audit-step.js';
import { factsOf } from './compare-copy.js';

const BATCH = 1000;
/** A copy under way writes to its temporary file; one that nobody has written to for so long is given up. */
const TEMPORARY_AGE_MS = 3_600_000;
const TEMPORARY = /^\.dm-(.+)\.part$/;
const VERSIONS = Buffer.from('system/versions');
const VERSION_DIRECTORY = /^v(\d{1,9})$/;

/** Each file in storage: does the ledger know it? A walk cannot be resumed, so a restart of the station begins it anew. */
@Injectable()
export class TreePhase implements AuditPhaseWork {
  /** What was walked and is not written down yet, by audit. */
  private readonly pending = new Map<string, WalkedFile[]>();
  private readonly begun = new Set<string>();

  constructor(
    private readonly rows: AuditedRows,
    private readonly inspector: Inspector,
  ) {}

  async step(scene: AuditScene): Promise<AuditStep> {
    const { audit, experiment } = scene;
    const isBeginning = !this.begun.has(audit.id);
    const files =
      this.pending.get(audit.id) ??
      (await this.inspector.walk(audit.id, {
        root: experiment.directory,
        excluded: SYSTEM_PLACES,
        batchSize: BATCH,
      }));
    if (files === null) {
      return { next: { phase: nextPhase('tree', audit.isDeep), cursor: null }, ...NOTHING };
    }
    this.pending.set(audit.id, files);
    return {
      next: { phase: 'tree', cursor: null },
      ...NOTHING,
      // A walk that begins anew counts anew.
      counts: { files: files.length - (isBeginning ? audit.counts.files : 0) },
      findings: [...(await this.darkOf(experiment.id, files)), ...(await this.temporariesOf(files))],
    };
  }

  writtenDown(auditId: string): void {
    this.begun.add(auditId);
    this.pending.delete(auditId);
  }

  async end(auditId: string): Promise<void> {
    this.begun.delete(auditId);
    this.pending.delete(auditId);
    await this.inspector.endWalk(auditId);
  }

  private async darkOf(experimentId: number, files: readonly WalkedFile[]): Promise<NewFinding[]> {
    const candidates = files.filter(
      (file) => file.look.kind !== 'unreadable' && !TEMPORARY.test(nameText(file)) && !isUnrecorded(file.path),
    );
    // Looked up after they were found: a row is there before its file is.
    const known = await this.rows.areKnown(
      experimentId,
      candidates.map((file) => versionOf(Buffer.from(file.path))),
    );
    return candidates.filter((_, index) => known[index] !== true).map(darkFinding);
  }

  private async temporariesOf(files: readonly WalkedFile[]): Promise<NewFinding[]> {
    const old = files.filter(
      ({ path, look }) =>
        TEMPORARY.test(nameText({ path })) &&
        look.kind === 'file' &&
        Date.now() - Number(look.mtimeNs / 1_000_000n) > TEMPORARY_AGE_MS,
    );
    const idOf = (file: { path: Uint8Array }) => TEMPORARY.exec(nameText(file))?.[1] ?? '';
    const open = await this.rows.openOf(old.map(idOf).filter((id) => /^\d{1,18}$/.test(id)));
    return old
      .filter((file) => !open.has(idOf(file)))
      .map((file) => ({
        kind: 'temporary',
        path: Buffer.from(file.path),
        version: null,
        ledgerId: null,
        what: 'A copy broke off here; whatever it was has been copied anew, or waits for that.',
        evidence: { found: file.look.kind === 'file' ? factsOf(file.look) : {} },
      }));
  }
}

const NOTHING = { counts: {}, findings: [], copies: [], digests: [] };

function nameText(file: { path: Uint8Array }): string {
  return nameOf(file.path).toString('latin1');
}

/** What a broken-off publication left is kept there on purpose (see daq/README). */
function isUnrecorded(path: Uint8Array): boolean {
  return Buffer.from(path).toString('latin1').startsWith('system/versions/unrecorded-');
}

/** Which version of which path a place in the experiment's directory belongs to; null: the newest. */
export function versionOf(place: Buffer): { path: Buffer; version: number | null } {
  if (isBelowOrSame(place, VERSIONS)) {
    const below = relativeTo(place, VERSIONS);
    const slash = below.indexOf(0x2f);
    const version = VERSION_DIRECTORY.exec(below.subarray(0, slash).toString('latin1'))?.[1];
    if (slash > 0 && version !== undefined) {
      return { path: below.subarray(slash + 1), version: Number(version) };
    }
  }
  return { path: place, version: null };
}

function darkFinding({ path, look }: WalkedFile): NewFinding {
  return {
    kind: 'dark',
    path: Buffer.from(path),
    version: null,
    ledgerId: null,
    what:
      look.kind === 'other'
        ? `${look.what} that the ledger does not know`
        : 'A file that no acquisition of this experiment has brought.',
    evidence: { expected: {}, found: look.kind === 'file' ? factsOf(look) : { type: look.kind } },
  };
}
