import type { AuditAnswer, FindingAnswer } from './api-types.js';
import { formatBytes, formatCount, formatTime } from './format.js';
import { type Column, facts } from './table.js';

export const AUDIT_COLUMNS: readonly Column<AuditAnswer>[] = [
  { title: 'id', value: ({ id }) => id },
  { title: 'experiment', value: ({ experiment }) => experiment },
  { title: 'started', value: ({ createdAt }) => formatTime(createdAt) },
  { title: 'status', value: ({ status }) => status },
  { title: 'deep', value: ({ deep }) => (deep ? 'yes' : 'no') },
  { title: 'copies', value: ({ counts }) => formatCount(counts.copies), align: 'right' },
  { title: 'verified', value: ({ counts }) => formatCount(counts.verified), align: 'right' },
  { title: 'findings', value: ({ findings }) => findingsSentence(findings) },
];

export const FINDING_COLUMNS: readonly Column<FindingAnswer>[] = [
  { title: 'id', value: ({ id }) => id, align: 'right' },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'path', value: ({ path }) => path },
  { title: 'version', value: ({ version }) => version, align: 'right' },
  { title: 'what', value: ({ what }) => what },
  { title: 'can be', value: ({ action }) => action },
  { title: 'repair', value: ({ repair }) => (repair === null ? '' : `${repair.state}: ${repair.note ?? ''}`) },
];

export function findingsSentence(findings: Record<string, number>): string {
  const parts = Object.entries(findings).map(([kind, count]) => `${formatCount(count)} ${kind}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

export function aboutAudit(audit: AuditAnswer): string {
  const { counts, repairs } = audit;
  const asked = repairs.requested + repairs.repaired + repairs.obsolete + repairs.failed;
  return facts([
    ['audit', audit.id],
    ['experiment', audit.experiment],
    ['status', audit.status + (audit.status === 'running' ? ` (${audit.phase})` : '')],
    ['waits for', audit.waitsFor ?? ''],
    ['error', audit.errorMessage ?? ''],
    [
      'looked at',
      `${formatCount(counts.copies)} copies, ${formatCount(counts.files)} files, ${formatCount(counts.documents)} documents`,
    ],
    [
      'not looked at',
      counts.copiesElsewhere + counts.sourcesElsewhere === 0
        ? ''
        : `${formatCount(counts.copiesElsewhere)} copies at further destinations, ${formatCount(counts.sourcesElsewhere)} sources on other machines`,
    ],
    [
      'read',
      `${formatCount(counts.verified)} copies verified, ${formatBytes(counts.bytesRead)}${audit.isBudgetSpent ? ' (the budget is spent; the next deep audit goes on)' : ''}`,
    ],
    ['findings', findingsSentence(audit.findings)],
    ['breaker', audit.breaker === 'open' ? 'open: too much is bad at once, a person has to look at the storage' : ''],
    [
      'repairs',
      asked === 0
        ? ''
        : `${repairs.repaired} done, ${repairs.failed} failed, ${repairs.obsolete} not needed any more, ${repairs.requested} to come`,
    ],
    ['started', `${formatTime(audit.createdAt)} by ${audit.startedBy}`],
    ['ended', formatTime(audit.endedAt)],
  ]);
}
