import { Injectable } from '@nestjs/common';
import { Alarms } from '../../platform/alarms/index.js';
import type { Sql } from '../../platform/database/index.js';
import type { Audit } from './audit.js';
import { AuditRepository } from './audit.repository.js';
import { FINDING_KINDS, type FindingKind, isInformation } from './finding.js';
import { FindingRepository } from './finding.repository.js';

interface Subject {
  id: number;
  name: string;
}

/** One alarm for what the last audit of an experiment found and nobody has repaired, one for its breaker. */
@Injectable()
export class AuditAlarms {
  constructor(
    private readonly alarms: Alarms,
    private readonly audits: AuditRepository,
    private readonly findings: FindingRepository,
  ) {}

  /** An audit that did not come to its end proves no absence of anything: it raises, and never clears. */
  async afterAudit(sql: Sql, audit: Audit, experiment: Subject): Promise<void> {
    if (audit.breaker === 'open') {
      await this.raiseBreaker(sql, audit, experiment);
    } else if (audit.status === 'done') {
      await this.alarms.clear(breakerKey(experiment), sql);
    }
    await this.sayFindings(sql, audit, experiment, audit.status === 'done');
  }

  async afterRepairs(sql: Sql, experiment: Subject): Promise<void> {
    const last = await this.audits.lastDone(sql, experiment.id);
    if (last !== undefined) {
      await this.sayFindings(sql, last, experiment, true);
    }
  }

  async breakerOverridden(sql: Sql, experiment: Subject): Promise<void> {
    await this.alarms.clear(breakerKey(experiment), sql);
  }

  private async sayFindings(sql: Sql, audit: Audit, experiment: Subject, mayClear: boolean): Promise<void> {
    const open = Object.entries(await this.findings.openKinds(sql, audit.id)) as [FindingKind, number][];
    const wrong = open.filter(([kind]) => !isInformation(kind));
    const key = `audit.findings:${experiment.id}`;
    if (wrong.length === 0) {
      if (mayClear) {
        await this.alarms.clear(key, sql);
      }
      return;
    }
    const isCritical = wrong.some(([kind]) => FINDING_KINDS[kind].severity === 'critical');
    await this.alarms.raise(
      {
        key,
        severity: isCritical ? 'critical' : 'warning',
        message: `An audit of experiment ${experiment.name} found: ${wrong.map(([kind, count]) => `${count} ${kind}`).join(', ')}.`,
        action: `Look with: dm audit findings ${audit.id}; repair with: dm audit repair ${audit.id}.`,
        experimentId: experiment.id,
        details: { auditId: audit.id, findings: Object.fromEntries(wrong) },
      },
      sql,
    );
  }

  private async raiseBreaker(sql: Sql, audit: Audit, experiment: Subject): Promise<void> {
    const { missing = 0, changed = 0 } = audit.counts.findings;
    await this.alarms.raise(
      {
        key: breakerKey(experiment),
        severity: 'critical',
        message: `An audit of experiment ${experiment.name} found ${missing} copies missing and ${changed} changed of ${audit.counts.copies}: more likely a fault of the storage than of so many files. No copy is repaired.`,
        action: `Check the storage area and its mount, then audit again; if the files really are bad: dm audit repair ${audit.id} --override-breaker.`,
        experimentId: experiment.id,
        details: { auditId: audit.id, missing, changed, copies: audit.counts.copies },
      },
      sql,
    );
  }
}

function breakerKey(experiment: Subject): string {
  return `audit.breaker:${experiment.id}`;
}
