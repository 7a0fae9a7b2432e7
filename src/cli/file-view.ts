import type { FileAnswer, WhyFile } from './api-types.js';
import { formatBytes, formatCount, formatTime } from './format.js';
import { safeLine } from './safe-text.js';
import { type Column, facts } from './table.js';

export const FILE_COLUMNS: readonly Column<FileAnswer>[] = [
  { title: 'stored', value: ({ storedAt }) => formatTime(storedAt) },
  { title: 'version', value: ({ version }) => version, align: 'right' },
  { title: 'size', value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
  { title: 'md5', value: ({ md5Sum }) => md5Sum },
  { title: 'path', value: ({ path }) => path },
];

export function aboutFile(file: FileAnswer): string {
  return facts([
    ['path', file.path],
    ['version', file.version],
    ['size', `${formatCount(file.sizeBytes)} bytes`],
    ['md5', file.md5Sum],
    ['modified', formatTime(file.modifiedAt)],
    ['stored', formatTime(file.storedAt)],
    ['id', file.id],
    ['acquisition', file.acquisitionId],
    ['made by job', file.jobId],
    ...file.replicas.map(({ location, proof, verifiedAt }): [string, unknown] => [
      'copy',
      `${location} (${proof}, verified ${formatTime(verifiedAt)})`,
    ]),
    ...Object.entries(file.metadata).map(([key, value]): [string, unknown] => [`  ${safeLine(key)}`, value]),
  ]);
}

/** The verdict first, since at 3 a.m. nothing else is read; then each version with what happened to it. */
export function whyFileText(why: WhyFile): string {
  const versions = why.rows.map((row) => {
    const head = [
      row.version === null ? 'no version yet' : `version ${row.version}`,
      row.state,
      formatBytes(row.sizeBytes),
      row.md5Sum === null ? '' : `md5 ${row.md5Sum}`,
      row.attempts > 1 ? `${row.attempts} attempts` : '',
    ];
    return [
      head.filter((part) => part !== '').join(', '),
      `  from ${safeLine(row.source.host)}:${safeLine(row.source.path)}`,
      ...(row.reason === null ? [] : [`  because ${safeLine(row.reason)}`]),
      ...(row.dueAt === null ? [] : [`  tried again at ${formatTime(row.dueAt)}`]),
      ...timelineText(row.timeline),
    ].join('\n');
  });
  return [safeLine(why.path), safeLine(why.verdict), ...versions].join('\n\n');
}

/** With milliseconds: at one file after another, seconds tell nothing. */
export function timelineText(timeline: readonly { at: string; what: string }[]): string[] {
  return timeline.map(({ at, what }) => `  ${formatTime(at)}.${milliseconds(at)}  ${safeLine(what)}`);
}

function milliseconds(time: string): string {
  return String(new Date(time).getUTCMilliseconds()).padStart(3, '0');
}
