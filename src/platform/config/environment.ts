import { z } from 'zod';

/**
 * Every setting can be given as `DM_<SECTION>_<KEY>` (`processing.maxOutputBytes` → `DM_PROCESSING_MAX_OUTPUT_BYTES`).
 * These few have a shorter name as well, since people type them.
 */
const SHORT_NAMES: Record<string, string> = {
  'daq.sourceRoots': 'DM_SOURCE_ROOTS',
  'daq.quietSeconds': 'DM_QUIET_SECONDS',
};

/** The settings that the environment gives, as a tree; lists of paths are separated by colons, other lists by commas. */
export function environmentOverlay(
  schema: z.ZodObject,
  environment: Record<string, string | undefined>,
): Record<string, unknown> {
  const overlay: Record<string, unknown> = {};
  for (const { path, type } of leaves(schema, [])) {
    const text = firstSet(environment, namesOf(path));
    if (text === undefined) {
      continue;
    }
    let target = overlay;
    for (const key of path.slice(0, -1)) {
      target = (target[key] ??= {}) as Record<string, unknown>;
    }
    target[path.at(-1) ?? ''] = parseText(text, type);
  }
  return overlay;
}

/** Environment names of one setting, the preferred one first; also what the configuration table of the README lists. */
export function namesOf(path: readonly string[]): string[] {
  const long = `DM_${path.map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join('_')}`;
  const short = SHORT_NAMES[path.join('.')];
  return short === undefined ? [long] : [short, long];
}

function firstSet(environment: Record<string, string | undefined>, names: readonly string[]): string | undefined {
  return names.map((name) => environment[name]).find((text) => text !== undefined && text !== '');
}

interface Leaf {
  path: string[];
  type: z.ZodType;
}

export function* leaves(schema: z.ZodObject, prefix: string[]): Generator<Leaf> {
  for (const [key, part] of Object.entries(schema.shape)) {
    const type = unwrap(part as z.ZodType);
    if (type instanceof z.ZodObject) {
      yield* leaves(type, [...prefix, key]);
    } else {
      yield { path: [...prefix, key], type };
    }
  }
}

function unwrap(type: z.ZodType): z.ZodType {
  let inner = type;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** Text that does not fit the type is handed on as it is, so that validation names it. */
function parseText(text: string, type: z.ZodType): unknown {
  if (type instanceof z.ZodNumber) {
    return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  }
  if (type instanceof z.ZodBoolean) {
    return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
  }
  if (type instanceof z.ZodArray) {
    const separator = text.startsWith('/') ? ':' : ',';
    return text.split(separator).filter((part) => part !== '');
  }
  return text;
}
