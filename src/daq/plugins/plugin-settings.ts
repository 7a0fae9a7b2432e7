import { z } from 'zod';
import { StationError } from '../../kernel/errors.js';

/** What a plug-in's fault means for its file; see src/daq/pipeline/README.md. */
export const ON_ERROR = ['fail', 'warn', 'retry'] as const;
export type OnError = (typeof ON_ERROR)[number];

/** One entry of `daq.plugins`: what is left out keeps the plug-in's own default. */
export const pluginSettingsSchema = z.strictObject({
  enabled: z.boolean().optional(),
  /** Ascending; after the transfer (100), unique. */
  order: z.int().min(101, 'plug-ins run after the transfer (100)').max(100_000).optional(),
  /** Longest time for one call: a file, or a batch where the plug-in takes batches. */
  timeoutSeconds: z.number().positive().max(86_400).optional(),
  /** `fail`: quarantined after the last attempt; `warn`: passes with a warning; `retry`: waits here without limit. */
  onError: z.enum(ON_ERROR).optional(),
  /** Calls at the same time. */
  concurrency: z.int().min(1).max(64).optional(),
  /** The plug-in's own settings. */
  options: z.record(z.string(), z.unknown()).optional(),
});

export type GivenPluginSettings = z.infer<typeof pluginSettingsSchema>;

/** The settings that a plug-in runs with. */
export interface PluginSettings {
  enabled: boolean;
  order: number;
  timeoutSeconds: number;
  onError: OnError;
  concurrency: number;
  options: Record<string, unknown>;
}

export function settingsOf(defaults: PluginSettings, given: GivenPluginSettings | undefined): PluginSettings {
  const said = Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined));
  return { ...defaults, ...said };
}

/** @throws StationError PLUGIN_OPTIONS_INVALID that names all mistakes at once. */
export function pluginOptions<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  options: Record<string, unknown>,
): z.infer<Schema> {
  const parsed = schema.safeParse(options);
  if (parsed.success) {
    return parsed.data;
  }
  const problems = parsed.error.issues.map((issue) => `${['options', ...issue.path].join('.')}: ${issue.message}`);
  throw new StationError(
    'invalid',
    'PLUGIN_OPTIONS_INVALID',
    `The configuration of daq.plugins.${name} has problems:\n  ${problems.join('\n  ')}`,
    { details: { problems } },
  );
}
