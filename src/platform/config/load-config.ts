import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, StationError } from '../../kernel/errors.js';
import { isPlainObject } from '../../kernel/plain-object.js';
import { environmentOverlay } from './environment.js';

export interface ConfigSource {
  /** Shown in messages: a file name, or `environment`. */
  name: string;
  values: Record<string, unknown>;
}

/**
 * Merges the sources (later ones win, section by section), validates the whole once, and freezes it.
 *
 * @throws StationError CONFIG_INVALID that lists every problem with its path and the source that set the value.
 */
export function buildConfig<Schema extends z.ZodObject>(
  schema: Schema,
  sources: readonly ConfigSource[],
): z.infer<Schema> {
  const merged: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const source of sources) {
    merge(merged, source.values, source.name, origins, '');
  }
  for (const [key, part] of Object.entries(schema.shape)) {
    // A section that no source mentions still has defaults for its keys.
    if (merged[key] === undefined && part instanceof z.ZodObject) {
      merged[key] = {};
    }
  }
  const result = schema.safeParse(merged);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => {
      const path = issue.path.join('.');
      const origin = originOf(origins, path);
      return `${path === '' ? '(top level)' : path}: ${issue.message}${origin === undefined ? '' : ` (set by ${origin})`}`;
    });
    throw new StationError('invalid', 'CONFIG_INVALID', `The configuration has problems:\n  ${problems.join('\n  ')}`, {
      details: { problems },
    });
  }
  return deepFreeze(result.data);
}

/** Reads one YAML file; a missing optional one is an empty source. */
export function yamlSource(path: string, options: { optional: boolean }): ConfigSource {
  if (options.optional && !existsSync(path)) {
    return { name: path, values: {} };
  }
  try {
    const values: unknown = parse(readFileSync(path, 'utf8')) ?? {};
    if (typeof values !== 'object' || Array.isArray(values)) {
      throw new Error('the top level must be a mapping of sections');
    }
    return { name: path, values: values as Record<string, unknown> };
  } catch (error) {
    throw new StationError(
      'invalid',
      'CONFIG_UNREADABLE',
      `Cannot read the configuration ${path}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

export function environmentSource(schema: z.ZodObject, environment: Record<string, string | undefined>): ConfigSource {
  return { name: 'environment', values: environmentOverlay(schema, environment) };
}

function merge(
  into: Record<string, unknown>,
  values: Record<string, unknown>,
  origin: string,
  origins: Map<string, string>,
  prefix: string,
): void {
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined || value === null) {
      continue;
    }
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const present = into[key];
    if (isPlainObject(value)) {
      const target = isPlainObject(present) ? present : {};
      into[key] = target;
      merge(target, value, origin, origins, path);
    } else {
      into[key] = value;
      origins.set(path, origin);
    }
  }
}

function originOf(origins: Map<string, string>, path: string): string | undefined {
  for (let at = path; at !== ''; at = at.includes('.') ? at.slice(0, at.lastIndexOf('.')) : '') {
    const origin = origins.get(at);
    if (origin !== undefined) {
      return origin;
    }
  }
  return undefined;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
