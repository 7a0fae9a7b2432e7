import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../../platform/database/index.js';
import { ReplicaRepository } from '../../../storage/index.js';
import { type AcquisitionOptions, OPTIONS_LEFT_OUT } from '../../acquisitions/acquisition.js';
import { AcquisitionRepository } from '../../acquisitions/acquisition.repository.js';
import { LedgerRepository } from '../../ledger/ledger.repository.js';
import type { Audit } from '../audit.js';
import type { FileLook } from '../inspection/look.js';

export interface Adoption {
  audit: Audit;
  experiment: { id: number; directory: Buffer };
  host: string;
  by: string;
  file: { path: Buffer; place: Buffer; look: FileLook; md5Sum: string };
}

/** Order of the transfer step: an adopted file has that behind it. */
const TRANSFERRED_ORDER = 100;

/**
 * Writes a file that lies in storage already into the ledger. The audit stands as the acquisition that brought it; the
 * pipeline takes the row from its next step on, so it is cataloged and passes the plug-ins like any other.
 */
@Injectable()
export class AdoptionRepository {
  constructor(
    private readonly acquisitions: AcquisitionRepository,
    private readonly ledger: LedgerRepository,
    private readonly replicas: ReplicaRepository,
  ) {}

  async adopt(tx: Transaction, { audit, experiment, host, by, file }: Adoption): Promise<void> {
    const [known] = await tx.query(`SELECT 1 FROM acquisition WHERE id = $1`, [audit.id]);
    if (known === undefined) {
      await this.acquisitions.insert(tx, acquisitionOf(audit, experiment, host, by));
    }
    const [newest] = await tx.query<{ version: number | null }>(
      `SELECT max(version) AS version FROM ledger WHERE experiment_id = $1 AND destination_key = sha256($2)`,
      [experiment.id, file.place],
    );
    const { look } = file;
    const [made] = await this.ledger.insert(tx, { experimentId: experiment.id, acquisitionId: audit.id, host }, [
      {
        seen: {
          sourcePath: file.path,
          destinationPath: file.place,
          device: look.device,
          inode: look.inode,
          sizeBytes: look.sizeBytes,
          mtimeNs: look.mtimeNs,
        },
        version: (newest?.version ?? 0) + 1,
        state: 'cataloguing',
      },
    ]);
    if (made === undefined) {
      throw new Error('another acquisition has just brought a file of this name');
    }
    const { id } = made;
    await tx.query(
      `UPDATE ledger SET md5_sum = $2, transferred_at = now(), finished_order = ${TRANSFERRED_ORDER} WHERE id = $1`,
      [id, file.md5Sum],
    );
    await this.replicas.record(tx, [{ ledgerId: id, md5Sum: file.md5Sum, sizeBytes: look.sizeBytes, proof: 'none' }]);
  }
}

function acquisitionOf(audit: Audit, experiment: Adoption['experiment'], host: string, by: string) {
  const now = new Date();
  const options: AcquisitionOptions = {
    ...OPTIONS_LEFT_OUT,
    includePatterns: [],
    excludePatterns: [],
    processHidden: true,
    processExisting: true,
    durationSeconds: null,
    quietSeconds: 0,
    metadata: {},
    skipPlugins: [],
    workflow: null,
  };
  return {
    id: audit.id,
    kind: 'upload',
    experimentId: experiment.id,
    status: 'done',
    sourceHost: host,
    sourceDirectory: experiment.directory,
    sourceDevice: null,
    sourceFileSystem: null,
    sourceClockNs: null,
    destinationDirectory: Buffer.alloc(0),
    options,
    startedBy: by,
    jobId: null,
    triggerDepth: 0,
    onExitOf: null,
    resumes: null,
    stoppedBy: null,
    clearedAt: null,
    ignoresExisting: false,
    unchangedFiles: 0,
    unchangedBytes: 0,
    scanComplete: true,
    warnings: [
      { code: 'ADOPTED_BY_AUDIT', message: 'These files lay in storage without a record; an audit adopted them.' },
    ],
    errorMessage: null,
    createdAt: now,
    startedAt: now,
    stopAt: null,
    endedAt: now,
    exitUpload: null,
  } as const satisfies Parameters<AcquisitionRepository['insert']>[1];
}
