import type { Command } from 'commander';
import { isPlainObject } from '../../kernel/plain-object.js';
import { errorOfAnswer } from '../api-error.js';
import type { CliContext } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { safeLine } from '../safe-text.js';
import { facts, table } from '../table.js';

/** `dm station show|health`. */
export function registerStation(program: Command, context: CliContext): void {
  const station = program.command('station').description('the station itself');

  station
    .command('show')
    .description('name, version, adapters and addresses')
    .action(async () => {
      const answer = await (await context.client()).get<Record<string, unknown>>('/station');
      context.print(answer, () => facts(flatten(answer)));
    });

  station
    .command('health')
    .description('whether the station and what it needs are well; exit code 8 when not ready')
    .action(async () => {
      const client = await context.client({ isLoginNeeded: false });
      const { status, body } = await client.probe('/health/ready');
      if (typeof body !== 'object' || body === null || !('status' in body)) {
        throw errorOfAnswer(status, undefined, context.address);
      }
      context.print(body, () => healthText(body));
      context.exitCode = status === 200 ? EXIT.ok : EXIT.unavailable;
    });
}

interface Health {
  status: string;
  checks?: { name: string; status: string; message?: string }[];
}

function healthText(body: unknown): string {
  const { status, checks = [] } = body as Health;
  const columns = [
    { title: 'what', value: (check: { name: string }) => check.name },
    { title: 'status', value: (check: { status: string }) => check.status },
    { title: 'message', value: (check: { message?: string }) => check.message },
  ];
  return [`The station is ${safeLine(status)}.`, ...(checks.length === 0 ? [] : [table(checks, columns)])].join('\n\n');
}

/** Nested facts by dotted names: `http.port  22236`. */
export function flatten(value: unknown, prefix = ''): [name: string, value: unknown][] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, part]): [string, unknown][] => {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    return isPlainObject(part)
      ? flatten(part, name)
      : [[name, Array.isArray(part) && part.every((item) => typeof item !== 'object') ? part.join(', ') : part]];
  });
}
