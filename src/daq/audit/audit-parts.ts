import { AuditAlarms } from './audit-alarms.js';
import { AuditRepository } from './audit.repository.js';
import { AuditRunner } from './audit-runner.js';
import { AuditSchedule } from './audit-schedule.js';
import { AuditedRows } from './audited-rows.js';
import { AuditsService } from './audits.service.js';
import { FindingRepository } from './finding.repository.js';
import { Inspector } from './inspection/inspector.js';
import { ContentPhase } from './phases/content.phase.js';
import { CopiesPhase } from './phases/copies.phase.js';
import { CopyInspection } from './phases/copy-inspection.js';
import { DocumentInspection } from './phases/document-inspection.js';
import { DocumentsPhase } from './phases/documents.phase.js';
import { TreePhase } from './phases/tree.phase.js';
import { AdoptionRepository } from './repairs/adoption.repository.js';
import { CopyRepair } from './repairs/copy-repair.js';
import { DarkRepair } from './repairs/dark-repair.js';
import { DocumentRepair } from './repairs/document-repair.js';
import { GoodContents } from './repairs/good-contents.js';
import { RepairWork } from './repairs/repair-work.js';
import { StepRecord } from './step-record.js';

/** What the module provides for audits. */
export const AUDIT_PARTS = [
  AuditAlarms,
  AuditRepository,
  AuditRunner,
  AuditSchedule,
  AuditedRows,
  AuditsService,
  FindingRepository,
  Inspector,
  ContentPhase,
  CopiesPhase,
  CopyInspection,
  DocumentInspection,
  DocumentsPhase,
  TreePhase,
  AdoptionRepository,
  CopyRepair,
  DarkRepair,
  DocumentRepair,
  GoodContents,
  RepairWork,
  StepRecord,
];
