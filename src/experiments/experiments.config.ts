import { z } from 'zod';

/** Section `experiments` of the configuration. */
export const experimentsConfigSchema = z.strictObject({
  /** Type of an experiment whose creator names none. */
  defaultType: z.string().default('XRAY'),
  /**
   * Group (name or number) that owns new experiment directories; with the set-group-id bit of `storage.directoryMode`
   * everything below inherits it. The station's account must belong to it. Default: the account's own group.
   */
  group: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, 'must be the name or the number of a group')
    .optional(),
});

export type ExperimentsConfig = z.infer<typeof experimentsConfigSchema>;

declare module '../platform/config/station-config.js' {
  interface StationConfig {
    readonly experiments: ExperimentsConfig;
  }
}
