import { Injectable, Logger } from '@nestjs/common';
import { ExperimentsService } from '../../../experiments/index.js';
import { messageOf, StationError } from '../../../kernel/errors.js';
import { Database } from '../../../platform/database/index.js';
import { StorageArea } from '../../../storage/index.js';
import { AuditAlarms } from '../audit-alarms.js';
import { AuditRepository } from '../audit.repository.js';
import { type Finding, FINDING_KINDS, type FindingKind, type RepairAction } from '../finding.js';
import { FindingRepository } from '../finding.repository.js';
import { AuditInterrupted } from '../phases/copy-inspection.js';
import { CopyRepair } from './copy-repair.js';
import { DarkRepair } from './dark-repair.js';
import { DocumentRepair } from './document-repair.js';
import type { RepairOutcome, RepairScene } from './repair-outcome.js';

const BATCH = 20;
/** Pause while something that repairs need is away. */
const WAIT_MS = 5000;

/** Works on the repairs that were asked for, one after the other; a restart of the station goes on with them. */
@Injectable()
export class RepairWork {
  private readonly logger = new Logger(RepairWork.name);
  private pausedUntil = 0;

  constructor(
    private readonly database: Database,
    private readonly audits: AuditRepository,
    private readonly findings: FindingRepository,
    private readonly experiments: ExperimentsService,
    private readonly area: StorageArea,
    private readonly alarms: AuditAlarms,
    private readonly copies: CopyRepair,
    private readonly documents: DocumentRepair,
    private readonly dark: DarkRepair,
  ) {}

  /** What is done about a kind when nobody says more; null where a person has to choose, or nothing can be done. */
  actionOf(kind: FindingKind): RepairAction | null {
    const { action } = FINDING_KINDS[kind];
    return action === 'adopt-or-trash' ? null : action;
  }

  /** Whether anything was done. */
  async step(): Promise<boolean> {
    if (Date.now() < this.pausedUntil) {
      return false;
    }
    const findings = await this.findings.requested(BATCH);
    if (findings.length === 0) {
      return false;
    }
    try {
      await this.area.requirePresent();
      for (const [auditId, group] of Map.groupBy(findings, (finding) => finding.auditId)) {
        await this.repairAll(auditId, group);
      }
      return true;
    } catch (error) {
      if (error instanceof AuditInterrupted) {
        return true;
      }
      this.pausedUntil = Date.now() + WAIT_MS;
      this.logger.warn(`repairs wait: ${messageOf(error)}`);
      return false;
    }
  }

  private async repairAll(auditId: string, findings: readonly Finding[]): Promise<void> {
    const audit = await this.audits.get(auditId);
    const experiment = await this.experiments.findById(audit.experimentId);
    if (experiment === undefined) {
      return; // deleted, and its findings with it
    }
    const directory = Buffer.from(experiment.storageDirectory);
    const { id, name } = experiment;
    for (const finding of findings) {
      await this.carryOut({ finding, audit, experiment: { id, name, directory } });
    }
    await this.database.transaction((tx) => this.alarms.afterRepairs(tx, experiment));
  }

  private async carryOut(scene: RepairScene): Promise<void> {
    const { id } = scene.finding;
    try {
      const outcome = await this.repair(scene);
      await this.database.transaction(async (tx) => {
        await outcome.write?.(tx);
        await this.findings.settle(tx, id, outcome.state, outcome.note);
      });
    } catch (error) {
      if (error instanceof AuditInterrupted || (error instanceof StationError && error.retryable)) {
        throw error;
      }
      await this.findings.settle(this.database, id, 'failed', messageOf(error));
    }
  }

  private repair(scene: RepairScene): Promise<RepairOutcome> {
    const { repairAction: action, kind } = scene.finding;
    switch (action) {
      case 'restore':
        return this.copies.restore(scene);
      case 'rewrite':
        return this.documents.rewrite(scene);
      case 'remove':
        return kind === 'temporary' ? this.dark.removeTemporary(scene) : this.documents.remove(scene);
      case 'adopt':
        return this.dark.adopt(scene);
      case 'trash':
        return this.dark.trash(scene);
      case null:
        return Promise.resolve({ state: 'failed', note: 'Nothing can be done about this by the station.' });
    }
  }
}
