import { Writable } from 'node:stream';

const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' };
/** Fields that a person at a terminal does not need on every line. */
const LEFT_OUT = new Set([
  'level',
  'time',
  'pid',
  'hostname',
  'msg',
  'context',
  'req',
  'res',
  'err',
  'responseTime',
  'v',
]);

/** Turns pino's JSON lines into one readable line each, for terminals; files and journals get the JSON. */
export function textStream(out: NodeJS.WritableStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString('utf8').split('\n')) {
        if (line !== '') {
          out.write(`${readable(line)}\n`);
        }
      }
      done();
    },
  });
}

function readable(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const time = new Date(Number(entry['time'])).toISOString().slice(11, 23);
  const level = LEVELS[Number(entry['level'])] ?? String(entry['level']);
  const context = typeof entry['context'] === 'string' ? `${entry['context']}: ` : '';
  const rest = Object.entries(entry).filter(([key]) => !LEFT_OUT.has(key));
  const facts = rest.length === 0 ? '' : ` ${rest.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(' ')}`;
  return `${time} ${level.padEnd(5)} ${context}${textOf(entry['msg'])}${facts}${errorText(entry['err'])}`;
}

function errorText(error: unknown): string {
  if (typeof error !== 'object' || error === null) {
    return '';
  }
  const { stack, message } = error as { stack?: unknown; message?: unknown };
  return `\n      ${String(stack ?? message)}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}
