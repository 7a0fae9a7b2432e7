import { unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { messageOf } from '../../../kernel/errors.js';
import { directoryOf, isBelowOrSame, joinBytes } from '../../../kernel/path-bytes.js';
import { pathToText } from '../../../kernel/path-text.js';
import { AreaRights, requireInside } from '../../../storage/index.js';
import { AuditedRows } from '../audited-rows.js';
import type { FileLook } from '../inspection/look.js';
import { Inspector } from '../inspection/inspector.js';
import { AuditInterrupted } from '../phases/copy-inspection.js';
import { versionOf } from '../phases/tree.phase.js';
import { AdoptionRepository } from './adoption.repository.js';
import { trashPlace } from './kept-aside.js';
import { moveFile } from './move-file.js';
import type { RepairOutcome, RepairScene } from './repair-outcome.js';

const ADOPTED_BELOW = ['data', 'analysis'].map((name) => Buffer.from(name));

/** What is done with files that the ledger does not know. */
@Injectable()
export class DarkRepair {
  constructor(
    private readonly rows: AuditedRows,
    private readonly inspector: Inspector,
    private readonly adoptions: AdoptionRepository,
    private readonly rights: AreaRights,
  ) {}

  /**
   * Into the ledger, and from there into the catalog like any file. Nothing says what the file should hold, so its proof
   * is `none`: it was only recorded where it lies.
   */
  async adopt(scene: RepairScene): Promise<RepairOutcome> {
    const { finding, experiment, audit } = scene;
    const look = await this.lookIfDark(scene);
    if ('note' in look) {
      return look;
    }
    const top = ADOPTED_BELOW.find((directory) => isBelowOrSame(finding.path, directory));
    if (look.kind !== 'file' || top === undefined) {
      return { state: 'failed', note: 'Only regular files below data and analysis can be adopted.' };
    }
    const path = joinBytes(experiment.directory, finding.path);
    await requireInside(experiment.directory, directoryOf(path));
    const content = await this.inspector.digest(path, { wantsSha256: false, bytesPerSecond: null });
    if (content.kind === 'cancelled') {
      throw new AuditInterrupted('the repair was interrupted');
    }
    const [after] = await this.inspector.look([path]);
    if (content.kind !== 'read' || !isSame(after, look)) {
      return {
        state: 'failed',
        note: 'It changed while it was read, or cannot be read; ask again when it stands still.',
      };
    }
    const unpermitted = await this.permit(experiment.directory, top, finding.path);
    return {
      state: 'repaired',
      note: `Adopted as it is, with MD5 ${content.md5Sum}; nobody can say whether that is what it should be.${unpermitted}`,
      write: (tx) =>
        this.adoptions.adopt(tx, {
          audit,
          experiment,
          host: hostname(),
          by: finding.repairBy ?? audit.startedBy,
          file: { path, place: finding.path, look, md5Sum: content.md5Sum },
        }),
    };
  }

  /** Owner, group, list and mode as of files that arrive; a file that cannot get them is adopted all the same. */
  private async permit(experiment: Buffer, top: Buffer, place: Buffer): Promise<string> {
    try {
      await this.rights.giveTo(experiment, top, place);
      return '';
    } catch (error) {
      return ` It could not be given the owner, group and mode of files that arrive: ${messageOf(error)}`;
    }
  }

  /** Out of the way, within the experiment; nothing is deleted. */
  async trash(scene: RepairScene): Promise<RepairOutcome> {
    const look = await this.lookIfDark(scene);
    if ('note' in look) {
      return look;
    }
    const { finding, experiment } = scene;
    const places = { from: finding.path, to: trashPlace(finding.id, finding.path) };
    const to = await moveFile(experiment.directory, places, this.rights);
    return { state: 'repaired', note: `Moved to ${pathToText(to)}.` };
  }

  /** Remains of a copy that broke off: part of a file whose source, or whose finished copy, is what counts. */
  async removeTemporary({ finding, experiment }: RepairScene): Promise<RepairOutcome> {
    const path = joinBytes(experiment.directory, finding.path);
    const [look] = await this.inspector.look([path]);
    const found = finding.evidence.found;
    if (look?.kind !== 'file' || String(look.mtimeNs) !== found?.['mtimeNs']) {
      return { state: 'obsolete', note: 'It is gone, or has been written to since.' };
    }
    await unlink(path);
    return { state: 'repaired', note: 'Removed.' };
  }

  private async lookIfDark({ finding, experiment }: RepairScene) {
    const [look] = await this.inspector.look([joinBytes(experiment.directory, finding.path)]);
    const [isKnown] = await this.rows.areKnown(experiment.id, [versionOf(finding.path)]);
    if (look === undefined || look.kind === 'gone' || isKnown === true) {
      const note = isKnown === true ? 'The ledger knows it by now.' : 'It is gone.';
      return { state: 'obsolete', note } as const;
    }
    return look;
  }
}

function isSame(after: { kind: string } | undefined, before: FileLook): boolean {
  return (
    after?.kind === 'file' &&
    (after as FileLook).mtimeNs === before.mtimeNs &&
    (after as FileLook).sizeBytes === before.sizeBytes &&
    (after as FileLook).inode === before.inode
  );
}
