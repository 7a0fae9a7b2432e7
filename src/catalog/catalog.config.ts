import { z } from 'zod';

/** Section `catalog` of the configuration. */
export const catalogConfigSchema = z.strictObject({
  /** A search or a filtered statistic that takes longer is stopped. */
  queryTimeLimitMs: z.int().min(100).max(600_000).default(10_000),
  /** Connections to MongoDB, when the catalog lives there. */
  mongoPoolSize: z.int().min(1).max(100).default(10),
});

export type CatalogConfig = z.infer<typeof catalogConfigSchema>;

declare module '../platform/config/station-config.js' {
  interface StationConfig {
    readonly catalog: CatalogConfig;
  }
}
