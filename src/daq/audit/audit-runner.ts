import { stat } from 'node:fs/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ExperimentsService } from '../../experiments/index.js';
import { messageOf, StationError } from '../../kernel/errors.js';
import { Database } from '../../platform/database/index.js';
import { EventLog, WakeableLoop } from '../../platform/events/index.js';
import { AreaRights, StorageArea } from '../../storage/index.js';
import { type Audit, type AuditPhase, tripsBreaker } from './audit.js';
import { AuditAlarms } from './audit-alarms.js';
import { AuditRepository } from './audit.repository.js';
import { BAD_COPY_KINDS } from './finding.js';
import { FindingRepository } from './finding.repository.js';
import { Inspector } from './inspection/inspector.js';
import type { AuditPhaseWork, AuditScene } from './phases/audit-step.js';
import { ContentPhase } from './phases/content.phase.js';
import { CopiesPhase } from './phases/copies.phase.js';
import { AuditInterrupted } from './phases/copy-inspection.js';
import { DocumentsPhase } from './phases/documents.phase.js';
import { TreePhase } from './phases/tree.phase.js';
import { RepairWork } from './repairs/repair-work.js';
import { StepRecord } from './step-record.js';

const IDLE_MS = 5000;
/** Pause while something that an audit needs is away. */
const WAIT_MS = 5000;
/** A step that fails for a reason of its own so often in a row ends the audit. */
const MOST_FAILURES = 3;

/**
 * Works on audits, a step at a time: one station, one disk, so one after the other, those that a person waits for before
 * the scheduled ones. Where each stands is in the database: a restart goes on there.
 */
@Injectable()
export class AuditRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(AuditRunner.name);
  private readonly loop = new WakeableLoop('audits', IDLE_MS, () => this.turn());
  private readonly phases: Record<Exclude<AuditPhase, 'ended'>, AuditPhaseWork>;
  private failures = 0;
  private isStopping = false;
  private pausedUntil = 0;

  constructor(
    copies: CopiesPhase,
    tree: TreePhase,
    documents: DocumentsPhase,
    content: ContentPhase,
    private readonly database: Database,
    private readonly audits: AuditRepository,
    private readonly findings: FindingRepository,
    private readonly record: StepRecord,
    private readonly repairs: RepairWork,
    private readonly alarms: AuditAlarms,
    private readonly events: EventLog,
    private readonly experiments: ExperimentsService,
    private readonly area: StorageArea,
    private readonly rights: AreaRights,
    private readonly inspector: Inspector,
  ) {
    this.phases = { copies, tree, documents, content };
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.inspector.onApplicationShutdown();
    await this.loop.stop();
  }

  wake(): void {
    this.pausedUntil = 0;
    this.loop.wake();
  }

  /** Something to stop, perhaps in the middle of a large file. */
  interrupt(): void {
    this.inspector.cancel();
    this.wake();
  }

  private async turn(): Promise<boolean> {
    if (this.isStopping || Date.now() < this.pausedUntil) {
      return false;
    }
    this.inspector.resume();
    if (await this.repairs.step()) {
      return true;
    }
    const audit = await this.audits.next();
    if (audit === undefined) {
      return false;
    }
    try {
      await this.workOn(audit);
      this.failures = 0;
      return true;
    } catch (error) {
      return this.afterFailure(audit, error);
    }
  }

  private async workOn(audit: Audit): Promise<void> {
    if (audit.status === 'stopping') {
      await this.finish(audit, 'stopped');
      return;
    }
    if (audit.status === 'pending') {
      await this.audits.setStatus(this.database, audit.id, ['pending'], 'running');
      return;
    }
    if (audit.phase === 'ended') {
      await this.finish(audit, 'done');
      return;
    }
    await this.area.requirePresent();
    const phase = this.phases[audit.phase];
    const step = await phase.step(await this.sceneOf(audit));
    // What was concluded while the storage area went away is not believed.
    await this.area.requirePresent();
    if (await this.record.write(audit, step)) {
      phase.writtenDown?.(audit.id);
    }
    if (step.next.phase !== audit.phase) {
      await phase.end?.(audit.id);
    }
  }

  private async sceneOf(audit: Audit): Promise<AuditScene> {
    const experiment = await this.experiments.findById(audit.experimentId);
    if (experiment === undefined) {
      throw new Error('The experiment was deleted.');
    }
    const directory = Buffer.from(experiment.storageDirectory);
    return {
      audit,
      experiment: { id: experiment.id, name: experiment.name, directory },
      groupId: await this.groupOf(directory),
    };
  }

  /** Of what arrives: that of the storage area, else the one that the experiment's directory hands down. */
  private async groupOf(directory: Buffer): Promise<number | null> {
    const { gid } = this.rights.ofFiles;
    if (gid !== -1) {
      return gid;
    }
    return stat(directory).then(
      (stats) => stats.gid,
      () => null,
    );
  }

  private async afterFailure(audit: Audit, error: unknown): Promise<boolean> {
    if (this.isStopping || error instanceof AuditInterrupted) {
      return !this.isStopping;
    }
    if (error instanceof StationError && error.retryable) {
      this.pausedUntil = Date.now() + WAIT_MS;
      await this.audits.setWaiting(audit.id, error.message).catch(() => undefined);
      return false;
    }
    this.failures += 1;
    this.logger.warn(`audit ${audit.id}: ${messageOf(error)}`);
    if (this.failures < MOST_FAILURES) {
      this.pausedUntil = Date.now() + IDLE_MS / 5;
      return false;
    }
    this.failures = 0;
    await this.finish(audit, 'failed', messageOf(error));
    return true;
  }

  /** With its end come, in one transaction, the breaker, the repairs that were asked for beforehand, and the alarms. */
  private async finish(audit: Audit, status: 'done' | 'stopped' | 'failed', errorMessage?: string): Promise<void> {
    for (const phase of Object.values(this.phases)) {
      await phase.end?.(audit.id);
    }
    const experiment = await this.experiments.findById(audit.experimentId);
    await this.database.transaction(async (tx) => {
      const from = status === 'stopped' ? 'stopping' : 'running';
      if (experiment === undefined || !(await this.audits.setStatus(tx, audit.id, [from], status, errorMessage))) {
        return;
      }
      const isBreakerOpen = tripsBreaker(audit.counts);
      if (isBreakerOpen) {
        await this.audits.setBreaker(tx, audit.id, 'open');
      }
      if (status === 'done') {
        await this.requestRepairs(tx, audit, isBreakerOpen);
      }
      await this.alarms.afterAudit(tx, { ...audit, status, breaker: isBreakerOpen ? 'open' : 'closed' }, experiment);
      await this.events.append(tx, [
        {
          type: 'audit.ended',
          experimentId: audit.experimentId,
          subject: audit.id,
          data: { auditId: audit.id, experiment: experiment.name, status, counts: audit.counts, isBreakerOpen },
        },
      ]);
    });
  }

  private async requestRepairs(
    tx: Parameters<FindingRepository['request']>[0],
    audit: Audit,
    isBreakerOpen: boolean,
  ): Promise<void> {
    const by = audit.startedBy;
    for (const kind of audit.repairs) {
      if (isBreakerOpen && BAD_COPY_KINDS.includes(kind)) {
        continue;
      }
      const action = this.repairs.actionOf(kind);
      if (action !== null) {
        await this.findings.request(tx, audit.id, { kinds: [kind], action, by });
      }
    }
    if (audit.darkAction !== null) {
      await this.findings.request(tx, audit.id, { kinds: ['dark'], action: audit.darkAction, by });
    }
  }
}
