import { unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { isBelowOrSame, joinBytes } from '../../../kernel/path-bytes.js';
import { pathToText } from '../../../kernel/path-text.js';
import { CONFIG, type StationConfig } from '../../../platform/config/index.js';
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
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly rows: AuditedRows,
    private readonly inspector: Inspector,
    private readonly adoptions: AdoptionRepository,
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
    if (look.kind !== 'file' || !ADOPTED_BELOW.some((directory) => isBelowOrSame(finding.path, directory))) {
      return { state: 'failed', note: 'Only regular files below data and analysis can be adopted.' };
    }
    const path = joinBytes(experiment.directory, finding.path);
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
    return {
      state: 'repaired',
      note: `Adopted as it is, with MD5 ${content.md5Sum}; nobody can say whether that is what it should be.`,
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

  /** Out of the way, within the experiment; nothing is deleted. */
  async trash(scene: RepairScene): Promise<RepairOutcome> {
    const look = await this.lookIfDark(scene);
    if ('note' in look) {
      return look;
    }
    const { finding, experiment } = scene;
    const to = joinBytes(experiment.directory, trashPlace(finding.id, finding.path));
    await moveFile(joinBytes(experiment.directory, finding.path), to, this.config.storage.directoryMode);
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
