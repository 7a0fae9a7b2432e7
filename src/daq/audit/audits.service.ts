import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { AccessService, type Principal } from '../../auth/index.js';
import { ExperimentsService } from '../../experiments/index.js';
import { StationError } from '../../kernel/errors.js';
import { Database, type Transaction } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { decodeCursor, type Page, pageOf } from '../../platform/http/index.js';
import { type Audit, type AuditSettings, noCounts } from './audit.js';
import { AuditAlarms } from './audit-alarms.js';
import { AuditRepository, auditNotFound } from './audit.repository.js';
import { AuditRunner } from './audit-runner.js';
import type { AuditsQuery, FindingsQuery, RepairBody, StartAuditBody } from './audit.schema.js';
import { type AuditView, auditView, type FindingView, findingView } from './audit.view.js';
import { BAD_COPY_KINDS, type FindingKind, REPAIRABLE_KINDS } from './finding.js';
import { FindingRepository } from './finding.repository.js';
import { RepairWork } from './repairs/repair-work.js';

const auditCursor = z.object({ createdAt: z.string(), id: z.uuid() });
const findingCursor = z.string().regex(/^\d{1,18}$/);

/** Starting, looking at and stopping audits, and having their findings repaired. */
@Injectable()
export class AuditsService {
  constructor(
    private readonly database: Database,
    private readonly access: AccessService,
    private readonly experiments: ExperimentsService,
    private readonly events: EventLog,
    private readonly audits: AuditRepository,
    private readonly findings: FindingRepository,
    private readonly repairs: RepairWork,
    private readonly alarms: AuditAlarms,
    private readonly runner: AuditRunner,
  ) {}

  /** @throws StationError EXPERIMENT_NOT_FOUND, FORBIDDEN, AUDIT_ACTIVE */
  async start(principal: Principal, body: StartAuditBody): Promise<AuditView> {
    const experiment = await this.experiments.getByName(principal, body.experiment);
    await this.access.require(principal, 'audit.start', { experimentId: experiment.id });
    if (body.repair.length > 0 || body.dark !== undefined) {
      await this.access.require(principal, 'audit.repair', { experimentId: experiment.id });
    }
    const settings: AuditSettings = {
      isDeep: body.deep,
      byteBudget: body.byteBudget ?? null,
      bytesPerSecond: body.bytesPerSecond ?? null,
      wantsSha256: body.sha256,
      repairs: [...new Set(body.repair)],
      darkAction: body.dark ?? null,
    };
    const audit = await this.create(experiment.id, settings, { by: principal.username, isScheduled: false });
    return this.viewOf(audit);
  }

  /** For the schedule, without access check. @throws StationError AUDIT_ACTIVE */
  async create(
    experimentId: number,
    settings: AuditSettings,
    { by, isScheduled }: { by: string; isScheduled: boolean },
  ): Promise<Audit> {
    const audit: Audit = {
      ...settings,
      id: randomUUID(),
      experimentId,
      status: 'pending',
      phase: 'copies',
      cursor: null,
      counts: noCounts(),
      breaker: 'closed',
      waitsFor: null,
      errorMessage: null,
      startedBy: by,
      isScheduled,
      createdAt: new Date(),
      startedAt: null,
      endedAt: null,
    };
    await this.database.transaction(async (tx) => {
      // Two that start at the same moment meet here.
      await tx.query(`SELECT 1 FROM experiment WHERE id = $1 FOR UPDATE`, [experimentId]);
      await this.makeRoom(tx, audit);
      await this.audits.insert(tx, audit);
      await this.events.append(tx, [
        { type: 'audit.started', experimentId, subject: audit.id, data: { auditId: audit.id, by, isScheduled } },
      ]);
    });
    this.runner.wake();
    return audit;
  }

  /** Newest first. @throws StationError EXPERIMENT_NOT_FOUND */
  async list(principal: Principal, query: AuditsQuery): Promise<Page<AuditView>> {
    const chosen =
      query.experiment === undefined ? undefined : await this.experiments.getByName(principal, query.experiment);
    await this.access.require(principal, 'audit.read', chosen === undefined ? {} : { experimentId: chosen.id });
    const visible = await this.access.visibleExperiments(principal);
    const after = decodeCursor(query.cursor, auditCursor);
    const audits = await this.audits.list({
      ...(chosen !== undefined ? { experimentIds: [chosen.id] } : visible === 'all' ? {} : { experimentIds: visible }),
      ...(after === undefined ? {} : { after }),
      limit: query.limit + 1,
    });
    const page = pageOf(audits, query.limit, (last) => ({ createdAt: last.createdAt.toISOString(), id: last.id }));
    return { items: await Promise.all(page.items.map((audit) => this.viewOf(audit))), nextCursor: page.nextCursor };
  }

  /** @throws StationError AUDIT_NOT_FOUND */
  async get(principal: Principal, id: string): Promise<AuditView> {
    return this.viewOf(await this.readable(principal, id));
  }

  /** @throws StationError AUDIT_NOT_FOUND */
  async findingsOf(principal: Principal, id: string, query: FindingsQuery): Promise<Page<FindingView>> {
    const audit = await this.readable(principal, id);
    const found = await this.findings.list({
      auditId: audit.id,
      kinds: query.kind,
      repair: query.repair,
      afterId: decodeCursor(query.cursor, findingCursor),
      limit: query.limit + 1,
    });
    const page = pageOf(found, query.limit, (last) => last.id);
    return { items: page.items.map(findingView), nextCursor: page.nextCursor };
  }

  /** Ends it after the piece of work that it is at; what it has found stays. @throws StationError AUDIT_ENDED */
  async stop(principal: Principal, id: string): Promise<AuditView> {
    const audit = await this.readable(principal, id);
    await this.access.require(principal, 'audit.start', { experimentId: audit.experimentId });
    if (!(await this.audits.setStatus(this.database, id, ['pending', 'running', 'stopping'], 'stopping'))) {
      throw new StationError('conflict', 'AUDIT_ENDED', `Audit ${id} is over already (${audit.status}).`);
    }
    this.runner.interrupt();
    return this.viewOf(await this.audits.get(id));
  }

  /**
   * Asks for repairs of findings of an audit that is over; they are worked on in turn.
   *
   * @throws StationError AUDIT_ACTIVE, AUDIT_BREAKER_OPEN, AUDIT_NOT_REPAIRABLE
   */
  async repair(principal: Principal, id: string, body: RepairBody): Promise<{ requested: number }> {
    const audit = await this.readable(principal, id);
    const { experimentId } = audit;
    await this.access.require(principal, 'audit.repair', { experimentId });
    if (['pending', 'running', 'stopping'].includes(audit.status)) {
      throw new StationError(
        'conflict',
        'AUDIT_ACTIVE',
        `Audit ${id} is not over; wait for its end, or stop it first.`,
      );
    }
    const kinds = kindsOf(body);
    await this.passBreaker(principal, audit, kinds, body.overrideBreaker);
    const requested = await this.database.transaction(async (tx) => {
      let sum = 0;
      for (const kind of kinds) {
        const action = kind === 'dark' ? body.dark : this.repairs.actionOf(kind);
        if (action !== undefined && action !== null) {
          const want = { kinds: [kind], action, by: principal.username };
          sum += await this.findings.request(
            tx,
            id,
            body.findings === undefined ? want : { ...want, ids: body.findings },
          );
        }
      }
      return sum;
    });
    this.runner.wake();
    return { requested };
  }

  /** A scheduled audit gives way to a person's; another one does not. */
  private async makeRoom(tx: Transaction, audit: Audit): Promise<void> {
    const active = await this.audits.activeOf(tx, audit.experimentId);
    if (active === undefined) {
      return;
    }
    if (active.isScheduled && !audit.isScheduled) {
      await this.audits.setStatus(tx, active.id, ['pending', 'running'], 'stopping');
      tx.afterCommit(() => this.runner.interrupt());
      return;
    }
    throw new StationError(
      'conflict',
      'AUDIT_ACTIVE',
      `Audit ${active.id} of this experiment is not over yet. Wait for its end, or stop it first.`,
      { details: { auditId: active.id } },
    );
  }

  private async passBreaker(
    principal: Principal,
    audit: Audit,
    kinds: readonly FindingKind[],
    overrides: boolean,
  ): Promise<void> {
    if (audit.breaker !== 'open' || !kinds.some((kind) => BAD_COPY_KINDS.includes(kind))) {
      return;
    }
    if (!overrides) {
      throw new StationError(
        'conflict',
        'AUDIT_BREAKER_OPEN',
        'So many copies were found bad at once that a fault of the storage is more likely than that of so many files. Check the storage area and audit again; if the files really are bad, ask once more with overrideBreaker.',
        { details: { findings: audit.counts.findings, copies: audit.counts.copies } },
      );
    }
    await this.access.require(principal, 'station.manage');
    const experiment = await this.experiments.findById(audit.experimentId);
    await this.database.transaction(async (tx) => {
      await this.audits.setBreaker(tx, audit.id, 'overridden');
      if (experiment !== undefined) {
        await this.alarms.breakerOverridden(tx, experiment);
      }
    });
  }

  /** An audit of an experiment that the caller may not see is none. */
  private async readable(principal: Principal, id: string): Promise<Audit> {
    const audit = await this.audits.get(id);
    const { allowed } = await this.access.can(principal, 'audit.read', { experimentId: audit.experimentId });
    if (!allowed) {
      throw auditNotFound(id);
    }
    return audit;
  }

  private async viewOf(audit: Audit): Promise<AuditView> {
    const experiment = await this.experiments.findById(audit.experimentId);
    return auditView(audit, experiment?.name ?? '', await this.findings.repairCounts(audit.id));
  }
}

/** What a request is about. Dark files only when it is said what becomes of them. @throws AUDIT_NOT_REPAIRABLE */
function kindsOf(body: RepairBody): FindingKind[] {
  const all: FindingKind[] = [...REPAIRABLE_KINDS, ...(body.dark === undefined ? [] : (['dark'] as const))];
  if (body.kinds?.includes('dark') === true && body.dark === undefined) {
    throw new StationError(
      'invalid',
      'AUDIT_NOT_REPAIRABLE',
      'Say what is to become of dark files: adopt (into ledger and catalog as they are) or trash (out of the way).',
    );
  }
  const impossible = body.kinds?.filter((kind) => !all.includes(kind)) ?? [];
  if (impossible.length > 0) {
    throw new StationError(
      'invalid',
      'AUDIT_NOT_REPAIRABLE',
      `The station cannot repair ${impossible.join(', ')}; it can repair ${[...REPAIRABLE_KINDS, 'dark'].join(', ')}.`,
    );
  }
  return body.kinds ?? all;
}
