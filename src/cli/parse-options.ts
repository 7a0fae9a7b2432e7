import { isPlainObject } from '../kernel/plain-object.js';
import { usageError } from './exit-codes.js';

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `90s`, `15m`, `12h`, `1d`, `0.5s` → seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text.trim());
  if (match === null) {
    throw usageError(`"${text}" is no duration; write for example 90s, 15m, 12h or 1d.`);
  }
  return Number(match[1]) * (UNIT_SECONDS[match[2] || 's'] ?? 1);
}

/** `2026-11-21`, `2026-11-21 08:15` in the reader's time zone, as times are shown, or RFC 3339 → RFC 3339. */
export function parseTime(text: string): string {
  const [, day, time = '00:00', zone = ''] =
    /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text.trim()) ?? [];
  const moment = new Date(`${day ?? ''}T${time}${zone}`);
  if (Number.isNaN(moment.getTime())) {
    throw usageError(`"${text}" is no time; write for example 2026-11-21, "2026-11-21 08:15" or 2026-11-21T08:15:00Z.`);
  }
  return moment.toISOString();
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw usageError(`"${text}" is no number of 1 or more.`);
  }
  return Number(text);
}

const BYTE_UNITS = ['', 'k', 'M', 'G', 'T'];

/** `50GB`, `200 MB`, `200MB/s`, `1000` → bytes; powers of 1000, as sizes are shown. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kMGT]?)B?(?:\/s)?$/i.exec(text.trim());
  const unit = BYTE_UNITS.findIndex((one) => one.toLowerCase() === match?.[2]?.toLowerCase());
  const bytes = Math.round(Number(match?.[1]) * 1000 ** unit);
  if (match === null || bytes < 1 || !Number.isSafeInteger(bytes)) {
    throw usageError(`"${text}" is no number of bytes; write for example 500MB, 50GB or 1.5TB.`);
  }
  return bytes;
}

/** `owner/name` of a workflow. */
export function parseWorkflowRef(text: string): { owner: string; name: string } {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) {
    throw usageError(`"${text}" is no workflow; write OWNER/NAME, as "dm workflow list" shows it.`);
  }
  return { owner: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** A JSON object given on the command line (a filter). */
export function parseJsonObject(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw usageError(
      `The ${what} is no JSON (${error instanceof Error ? error.message : ''}); put it in single quotes.`,
    );
  }
  if (!isPlainObject(value)) {
    throw usageError(`The ${what} must be a JSON object, such as '{"sizeBytes":{"$gt":1000000}}'.`);
  }
  return value;
}

/** For options that may be given several times. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** For options that hold lists and may be given several times. */
export function collectList(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), ...parseList(value)];
}

/** `a,b` → list. */
export function parseList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
