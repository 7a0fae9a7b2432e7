import { z } from 'zod';
import { pageQuery } from '../../platform/http/index.js';
import { ALL_FINDING_KINDS, REPAIRABLE_KINDS } from './finding.js';

const kind = z.enum(ALL_FINDING_KINDS);
const repairableKind = z.enum(REPAIRABLE_KINDS);
const darkAction = z.enum(['adopt', 'trash']);
const bytes = z.int().min(1);

export const auditId = z.uuid({ error: 'an audit id is a UUID, such as those that GET /api/v1/audits lists' });

export const startAuditBody = z
  .strictObject({
    experiment: z.string().min(1),
    /** Reads the copies' bytes again, those that were verified longest ago first. */
    deep: z.boolean().default(false),
    /** Bytes to read at most; the next deep audit goes on with the others. */
    byteBudget: bytes.optional(),
    /** Bytes to read in a second at most. */
    bytesPerSecond: bytes.optional(),
    /** Also computes SHA-256 of what is read, for `sha256sum` manifests. */
    sha256: z.boolean().default(false),
    /** Kinds of findings that are repaired when the audit has ended. */
    repair: z.array(repairableKind).max(REPAIRABLE_KINDS.length).default([]),
    /** What becomes of dark files: into ledger and catalog as they are, or out of the way. */
    dark: darkAction.optional(),
  })
  .meta({
    example: { experiment: 'demo-exp', deep: true, byteBudget: 50_000_000_000, repair: ['missing', 'changed'] },
  });
export type StartAuditBody = z.infer<typeof startAuditBody>;

export const auditsQuery = pageQuery.extend({ experiment: z.string().optional() });
export type AuditsQuery = z.infer<typeof auditsQuery>;

export const findingsQuery = pageQuery.extend({
  kind: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(kind))
    .optional()
    .meta({ description: 'One or several, separated by commas', example: 'missing,changed' }),
  /** `open`: neither repaired nor gone by itself. */
  repair: z.enum(['open', 'requested', 'repaired', 'obsolete', 'failed']).optional(),
});
export type FindingsQuery = z.infer<typeof findingsQuery>;

export const repairBody = z
  .strictObject({
    /** All findings of these kinds; without `kinds` and `findings` all that can be repaired without a choice. */
    kinds: z.array(kind).min(1).optional(),
    /** These findings only. */
    findings: z
      .array(z.string().regex(/^\d{1,18}$/))
      .min(1)
      .max(10_000)
      .optional(),
    /** For dark files. */
    dark: darkAction.optional(),
    /** Repairs copies although so many were found bad at once that a fault of the storage is more likely. */
    overrideBreaker: z.boolean().default(false),
  })
  .meta({ example: { kinds: ['missing', 'changed'] } });
export type RepairBody = z.infer<typeof repairBody>;

const counts = z.record(z.string(), z.int());

export const auditSchema = z
  .object({
    id: z.string(),
    experiment: z.string(),
    status: z.string(),
    phase: z.string(),
    deep: z.boolean(),
    byteBudget: z.int().nullable(),
    bytesPerSecond: z.int().nullable(),
    sha256: z.boolean(),
    repair: z.array(z.string()),
    dark: z.string().nullable(),
    counts,
    findings: counts,
    repairs: counts,
    breaker: z.string(),
    isBudgetSpent: z.boolean(),
    waitsFor: z.string().nullable(),
    errorMessage: z.string().nullable(),
    startedBy: z.string(),
    isScheduled: z.boolean(),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
  })
  .meta({
    example: {
      id: '5d3c2c1e-7d0e-4a52-9a5e-0d6a3f3b8a10',
      experiment: 'demo-exp',
      status: 'done',
      phase: 'ended',
      deep: true,
      byteBudget: 50_000_000_000,
      bytesPerSecond: null,
      sha256: false,
      repair: ['missing', 'changed'],
      dark: null,
      counts: {
        copies: 2000,
        files: 2001,
        documents: 2000,
        verified: 1999,
        bytesRead: 16_777_216_000,
        touched: 0,
        withoutDigest: 0,
        copiesElsewhere: 0,
        sourcesElsewhere: 0,
      },
      findings: { changed: 1, dark: 1 },
      repairs: { requested: 0, repaired: 1, obsolete: 0, failed: 0 },
      breaker: 'closed',
      isBudgetSpent: false,
      waitsFor: null,
      errorMessage: null,
      startedBy: 'jdoe',
      isScheduled: false,
      createdAt: '2026-11-21T08:15:00.000Z',
      startedAt: '2026-11-21T08:15:00.100Z',
      endedAt: '2026-11-21T08:17:12.000Z',
    },
  });

export const auditPageSchema = z.object({ items: z.array(auditSchema), nextCursor: z.string().nullable() });

export const findingSchema = z
  .object({
    id: z.string(),
    kind: z.string(),
    severity: z.string(),
    path: z.string(),
    version: z.int().nullable(),
    ledgerId: z.string().nullable(),
    what: z.string(),
    action: z.string().nullable(),
    evidence: z.looseObject({}),
    foundAt: z.string(),
    repair: z.looseObject({}).nullable(),
  })
  .meta({
    example: {
      id: '17',
      kind: 'changed',
      severity: 'critical',
      path: 'data/scan_0001/frame_0001.h5',
      version: 1,
      ledgerId: '1042',
      what: 'It holds other bytes than were recorded.',
      action: 'restore',
      evidence: {
        expected: { md5Sum: '9e107d9d372bb6826bd81d3542a419d6', sizeBytes: '8388608' },
        found: { md5Sum: 'e4d909c290d0fb1ca068ffaddf22cbd0', sizeBytes: '8388608' },
        proof: 'read-back',
      },
      foundAt: '2026-11-21T08:16:30.000Z',
      repair: null,
    },
  });

export const findingPageSchema = z.object({ items: z.array(findingSchema), nextCursor: z.string().nullable() });
