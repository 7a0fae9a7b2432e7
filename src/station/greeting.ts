import type { StationConfig } from '../platform/config/index.js';
import type { RunningStation } from './start-station.js';

/** What a person reads after a start: where everything is, and on the first start how to log in. */
export function greeting(config: StationConfig, station: RunningStation, isTerminal: boolean): string {
  const { url, seeded } = station;
  const lines = [
    `DM Station ${config.station.name} is ready.`,
    `  API          ${url}/api/v1`,
    `  Swagger UI   ${url}/api/docs`,
    `  health       ${url}/health/ready`,
    `  metrics      ${url}/metrics`,
    `  storage      ${config.storage.root}`,
    `  sources      ${config.daq.sourceRoots.join(', ') || 'none: set DM_SOURCE_ROOTS'}`,
  ];
  if (seeded !== null) {
    lines.push(
      `  first login  user ${seeded.username}, password in ${seeded.passwordFile}; please change it after login`,
    );
    if (isTerminal) {
      // Only to a person: where output is kept (a journal, a log file) it would be kept there, too.
      lines.push(`  password     ${seeded.password}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The configuration as it results, with secrets masked. */
export function describeConfig(config: StationConfig): string {
  return `${JSON.stringify(config, shown, 2)}\n`;
}

/** Sections whose values nobody but their owner knows the meaning of. */
const OPAQUE = ['environment'];

function shown(key: string, value: unknown): unknown {
  if (OPAQUE.includes(key) && typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.keys(value).map((name) => [name, '***']));
  }
  return typeof value === 'string' ? masked(value) : value;
}

function masked(text: string): string {
  return text
    .replace(/(\w+:\/\/[^:/@]*:)[^@/]*@/, '$1***@')
    .replace(/([?&](?:password|authMechanismProperties|sslkey)=)[^&]*/gi, '$1***');
}
