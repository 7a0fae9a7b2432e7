import { Inject, Injectable } from '@nestjs/common';
import { joinBytes } from '../../../kernel/path-bytes.js';
import { pathToText } from '../../../kernel/path-text.js';
import { CONFIG, type StationConfig } from '../../../platform/config/index.js';
import {
  AreaRights,
  PRIMARY,
  ReplicaRepository,
  StorageArea,
  TRANSFER_ENGINE,
  type TransferEngine,
  type TransferOutcome,
} from '../../../storage/index.js';
import { type AuditedRow, AuditedRows, placeOf } from '../audited-rows.js';
import { Inspector } from '../inspection/inspector.js';
import { AuditInterrupted } from '../phases/copy-inspection.js';
import { type GoodContent, GoodContents } from './good-contents.js';
import { damagedPlace } from './kept-aside.js';
import { moveBack, moveFile } from './move-file.js';
import type { RepairOutcome, RepairScene } from './repair-outcome.js';

/**
 * Puts a good copy where one is missing or damaged. Good content is found and read first; only then is the damaged copy
 * taken out of the way (it is kept), and the engine copies with the usual proof. It is asked never to replace anything, so
 * newer content that arrives meanwhile stays. What was verified is never touched.
 */
@Injectable()
export class CopyRepair {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    @Inject(TRANSFER_ENGINE) private readonly engine: TransferEngine,
    private readonly rows: AuditedRows,
    private readonly inspector: Inspector,
    private readonly contents: GoodContents,
    private readonly replicas: ReplicaRepository,
    private readonly area: StorageArea,
    private readonly rights: AreaRights,
  ) {}

  async restore(scene: RepairScene): Promise<RepairOutcome> {
    const { finding, experiment } = scene;
    const id = finding.ledgerId ?? '0';
    const row = (await this.rows.byIds(experiment.id, [id])).get(id);
    if (row === undefined) {
      return { state: 'obsolete', note: 'The ledger has no such version in storage any more.' };
    }
    if (row.isMoving) {
      return { state: 'failed', note: 'Newer content of this file is just arriving; ask again when it has.' };
    }
    if (row.md5Sum === null) {
      return {
        state: 'failed',
        note: 'No digest of this file is known, so no other file can be proven to be the same.',
      };
    }
    const path = joinBytes(experiment.directory, placeOf(row));
    const present = await this.inspector.digest(path, { wantsSha256: false, bytesPerSecond: null });
    if (present.kind === 'cancelled') {
      throw new AuditInterrupted('the repair was interrupted');
    }
    if (present.kind === 'read' && present.md5Sum === row.md5Sum) {
      return this.alreadyGood(row);
    }
    if (present.kind === 'unreadable' && !['NOT_A_REGULAR_FILE', 'ELOOP'].includes(present.code)) {
      return {
        state: 'failed',
        note: `The copy cannot be read (${present.code}): it may be good. Check the disk first.`,
      };
    }
    const good = await this.contents.find(row, experiment.directory);
    if (good === undefined) {
      return {
        state: 'failed',
        note: 'No other verified copy and no source on this machine holds this content any more. The damaged copy stays as it is.',
      };
    }
    await this.area.requireSpace(Number(row.sizeBytes));
    return this.replace(scene, row, good, present.kind !== 'gone');
  }

  private alreadyGood(row: AuditedRow): RepairOutcome {
    const copy = { ledgerId: row.id, destination: PRIMARY };
    return {
      state: 'obsolete',
      note: 'The copy was read again and is good.',
      write: (tx) =>
        row.replica === undefined
          ? this.replicas.record(tx, [{ ...this.recordOf(row), proof: 'read-back-unsynced' }])
          : this.replicas.confirm(tx, [copy]),
    };
  }

  private async replace(
    { finding, experiment }: RepairScene,
    row: AuditedRow,
    good: GoodContent,
    isPresent: boolean,
  ): Promise<RepairOutcome> {
    const place = placeOf(row);
    const path = joinBytes(experiment.directory, place);
    const asidePlace = damagedPlace(`${finding.id}-${Date.now()}`, place);
    const aside = isPresent
      ? await moveFile(experiment.directory, { from: place, to: asidePlace }, this.rights)
      : undefined;
    const outcome = await this.copy(finding.id, row, good, experiment.directory);
    if (outcome?.status === 'published') {
      const { proof } = outcome;
      const kept = aside !== undefined ? ` The damaged one is kept as ${pathToText(aside)}.` : '';
      return {
        state: 'repaired',
        note: `Copied again from ${good.what}.${kept}`,
        write: (tx) => this.replicas.record(tx, [{ ...this.recordOf(row), proof }]),
      };
    }
    if (aside !== undefined) {
      await moveBack(aside, path);
    }
    return { state: 'failed', note: `Copying from ${good.what} failed: ${reasonOf(outcome)}` };
  }

  private async copy(
    findingId: string,
    row: AuditedRow,
    good: GoodContent,
    experimentDirectory: Buffer,
  ): Promise<TransferOutcome | undefined> {
    const [outcome] = await this.engine.transfer([
      {
        id: `audit-${findingId}`,
        sourcePath: good.path,
        sourceRoots: good.roots,
        expected: good.identity,
        ...(row.md5Sum === null ? {} : { expectedMd5Sum: row.md5Sum }),
        experimentDirectory,
        destinationPath: placeOf(row),
        replaces: null,
        mode: 'copy',
        proof: 'read-back',
        fileMode: this.config.storage.fileMode,
        directoryMode: this.config.storage.directoryMode,
      },
    ]);
    return outcome;
  }

  private recordOf(row: AuditedRow) {
    const place = placeOf(row);
    return {
      ledgerId: row.id,
      ...(place.equals(row.path) ? {} : { location: place }),
      md5Sum: row.md5Sum,
      sizeBytes: row.sizeBytes,
    };
  }
}

function reasonOf(outcome: TransferOutcome | undefined): string {
  switch (outcome?.status) {
    case 'failed':
      return outcome.message;
    case 'changed':
      return `it changed meanwhile (${outcome.detail}).`;
    case 'occupied':
      return 'other content has taken the name meanwhile.';
    case undefined:
    case 'published':
    case 'compared':
    case 'vanished':
    case 'corrupt':
      return `${outcome?.status ?? 'no answer'}.`;
  }
}
