import type { Report } from '../pieces/report.ts';
import { table } from '../pieces/report.ts';
import { summarize } from '../pieces/responsiveness.ts';
import { median, ratioOf, spread } from '../pieces/statistics.ts';
import type { SetResult } from './run-set.ts';

/** Ratios and figures under flat names: `smallFilesVsRclone`, `smallFilesStationSeconds`. */
export function summaryOf(results: readonly SetResult[]): Pick<Report, 'figures' | 'ratios' | 'ratioSpreads'> {
  const figures: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const ratioSpreads: Report['ratioSpreads'] = {};
  for (const { set, seconds, uploads } of results) {
    const ours = seconds['station'] ?? [];
    for (const [contender, theirs] of Object.entries(seconds)) {
      const prefix = `${set.name}${capital(contender)}`;
      figures[`${prefix}Seconds`] = median(theirs);
      figures[`${prefix}MegabytesPerSecond`] = set.data.bytes / 1e6 / median(theirs);
      if (set.name === 'smallFiles') {
        figures[`${prefix}FilesPerSecond`] = set.data.files / median(theirs);
      }
      if (contender !== 'station') {
        const ratio = ratioOf(ours, theirs);
        ratios[`${set.name}Vs${capital(contender)}`] = ratio.ofMedians;
        ratioSpreads[`${set.name}Vs${capital(contender)}`] = { min: ratio.rounds.min, max: ratio.rounds.max };
      }
    }
    for (const [what, value] of Object.entries(summarize(uploads.map((upload) => upload.responsiveness)))) {
      if (Number.isFinite(value)) {
        figures[`${set.name}${what}`] = value;
      }
    }
    figures[`${set.name}StationCpuSeconds`] = median(uploads.map((upload) => upload.usage.station));
    figures[`${set.name}DatabaseCpuSeconds`] = median(uploads.map((upload) => upload.usage.children));
    figures['stationPeakResidentMegabytes'] = (uploads.at(-1)?.usage.peakResidentBytes ?? NaN) / 1e6;
  }
  return { figures, ratios, ratioSpreads };
}

/** What a person reads at the end; the same tables stand in the README. */
export function tablesOf(report: Report, results: readonly SetResult[]): string {
  const { machine, figures } = report;
  const facts = [
    `${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, ${machine.kernel}, Node.js ${machine.node}`,
    `load before: ${machine.loadBefore.join(', ')}; ${report.settings['rounds']} rounds, ${Math.round(report.seconds)} s in all`,
    ...Object.values(report.peers),
  ];
  const ratios = Object.entries(report.ratios).map(([name, ratio]) => {
    const range = report.ratioSpreads[name];
    return [name, ratio, range?.min ?? NaN, range?.max ?? NaN].map(cell);
  });
  const runs = results.flatMap(({ set, seconds }) =>
    Object.entries(seconds).map(([contender, all]) => {
      const { min, median: middle, max } = spread(all);
      const rate = set.name === 'smallFiles' ? `${Math.round(set.data.files / middle)} files/s` : '';
      return [
        `${set.name} ${contender}`,
        cell(min),
        cell(middle),
        cell(max),
        rate,
        `${Math.round(set.data.bytes / 1e6 / middle)} MB/s`,
      ];
    }),
  );
  const station = results.map(({ set: { name } }) =>
    [name, ...STATION_FIGURES.map((figure) => figures[`${name}${figure}`] ?? NaN)].map(cell),
  );
  return [
    ...facts,
    '',
    table(['wall time ÷ theirs', 'of medians', 'min', 'max'], ratios),
    '',
    table(['seconds', 'min', 'median', 'max', '', ''], runs),
    '',
    table(['station', 'loop p99 ms', 'loop max ms', 'API p50 ms', 'API p99 ms', 'CPU s', 'database CPU s'], station),
    '',
    `largest resident size of the station: ${Math.round(figures['stationPeakResidentMegabytes'] ?? NaN)} MB`,
    '',
  ].join('\n');
}

const STATION_FIGURES = [
  'LoopDelayP99Ms',
  'LoopDelayMaxMs',
  'ApiP50Ms',
  'ApiP99Ms',
  'StationCpuSeconds',
  'DatabaseCpuSeconds',
];

function cell(value: string | number): string {
  return typeof value === 'string' ? value : value.toFixed(value < 10 ? 2 : 1);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
