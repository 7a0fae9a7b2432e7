/** `npm run demo`: see README.md beside this file. Exit code 0 only when every check held. */
import { join, resolve } from 'node:path';
import { formatSeconds } from '../../cli/format.js';
import { Demo } from './demo.js';
import { findPackageRoot } from './demo-exposures.js';
import { writeReport } from './demo-report.js';
import { Narrator } from './narrator.js';

const dataDirectory = resolve(process.env['DM_DATA_DIR'] || join(findPackageRoot(), '.dm'));
const reportFile = join(dataDirectory, 'demo', 'report.json');

const narrator = new Narrator(process.stdout);
const demo = new Demo(narrator);
process.once('SIGINT', () => demo.interrupt());
process.once('SIGTERM', () => demo.interrupt());

const report = await demo.run();
await writeReport(reportFile, report);

const held = report.checks.filter(({ passed }) => passed).length;
narrator.say(
  `\n${held} of ${report.checks.length} checks held, in ${formatSeconds(report.seconds)}; report: ${reportFile}`,
);
process.exitCode = report.passed ? 0 : 1;
