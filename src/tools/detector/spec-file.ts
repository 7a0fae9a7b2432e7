import { SeededRandom } from './random.js';

export interface SpecFileOptions {
  seed: number;
  /** Name as it stands in the `#F` line. */
  name: string;
  user: string;
  startTime: Date;
  sampleName: string;
  /** Kelvin. */
  temperatureK: number;
  /** Scans in the file. Default 3. */
  scans?: number;
  /** Points per scan. Default 21. */
  points?: number;
}

const MOTORS = ['tth', 'th', 'chi', 'phi', 'samx', 'samy'];
const COUNTERS = ['Epoch', 'seconds', 'I0', 'I00', 'detector'];

/** A SPEC data file: file header, then several `ascan`s of a peak, each with its own header and columns. */
export function specFile(options: SpecFileOptions): Buffer {
  const random = new SeededRandom(options.seed);
  const scans = Array.from({ length: options.scans ?? 3 }, (_, index) => scanText(options, random, index + 1));
  return Buffer.from([fileHeader(options), ...scans].join('\n'), 'utf8');
}

function fileHeader({ name, user, startTime, sampleName }: SpecFileOptions): string {
  return [
    `#F ${name}`,
    `#E ${Math.floor(startTime.getTime() / 1000)}`,
    `#D ${specDate(startTime)}`,
    `#C ${sampleName}  User = ${user}`,
    `#O0 ${MOTORS.join('  ')}`,
    '',
  ].join('\n');
}

function scanText(options: SpecFileOptions, random: SeededRandom, number: number): string {
  const points = options.points ?? 21;
  const motor = number % 2 === 1 ? 'th' : 'samx';
  const centre = 10 + random.next() * 5;
  const begin = centre - 0.5;
  const startedAt = new Date(options.startTime.getTime() + number * 60_000);
  const positions = MOTORS.map((_, index) => (centre + index * 1.5).toFixed(4));
  const lines = [
    `#S ${number}  ascan  ${motor} ${begin.toFixed(4)} ${(begin + 1).toFixed(4)}  ${points - 1} 1`,
    `#D ${specDate(startedAt)}`,
    '#T 1  (Seconds)',
    '#Q 0.5 0.5 1',
    `#P0 ${positions.join(' ')}`,
    `#X ${options.temperatureK.toFixed(2)}K  (Temperature)`,
    `#N ${COUNTERS.length + 1}`,
    `#L ${[motor, ...COUNTERS].join('  ')}`,
  ];
  for (let point = 0; point < points; point++) {
    const position = begin + point / (points - 1);
    const peak = 20 + 5000 * Math.exp(-(((position - centre) / 0.12) ** 2) / 2);
    const row = [60 * number + point, 1, random.count(100_000), random.count(98_000), random.count(peak)];
    lines.push(`${position.toFixed(4)} ${row.join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** SPEC writes dates as `date` does: "Sat Nov 21 08:15:00 2026" (here in UTC, so that a seed gives the same bytes). */
function specDate(time: Date): string {
  const [weekday = '', day = '', month = '', year = '', clock = ''] = time.toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${day} ${clock} ${year}`;
}
