import { z } from 'zod';
import { isPlainObject } from '../../kernel/plain-object.js';
import { pageQuery } from '../../platform/http/index.js';
import type { Metadata } from '../catalog-file.js';
import { MAX_FILTER_CHARACTERS } from '../filter/parse-filter.js';
import { SORT_FIELDS } from '../file-sort.js';

/** In paths: any text, for an unknown id is a 404 and not a malformed request. */
export const fileIdParam = z.string().min(1).max(256).meta({ example: '674017f5c8d3b2a1908f7e6d' });

const filter = z.string().max(MAX_FILTER_CHARACTERS).meta({
  description: 'Mongo-style filter as JSON; the subset is described in src/catalog/README.md',
  example: '{"metadata.sample":"Si111","sizeBytes":{"$gt":1000}}',
});

export const listFilesQuery = pageQuery.extend({
  filter: filter.optional(),
  sort: z
    .string()
    .max(32)
    .optional()
    .meta({
      description: `One of ${Object.keys(SORT_FIELDS).join(', ')}; with a dash descending`,
      example: '-storedAt',
    }),
  versions: z.enum(['all', 'latest']).default('all'),
});
export type ListFiles = z.infer<typeof listFilesQuery>;

export const statisticsQuery = z.object({ filter: filter.optional() });
export type StatisticsQuery = z.infer<typeof statisticsQuery>;

export const byPathQuery = z.object({
  path: z.string().min(1).max(16_384).meta({ example: 'data/scan_0001/frame_0001.h5' }),
  version: z.coerce.number().int().min(1).max(2_147_483_647).optional(),
});
export type ByPath = z.infer<typeof byPathQuery>;

/** Any JSON object. Not z.record: that would copy a tree of any size, and its values need no check here. */
const metadata = z
  .unknown()
  .refine(isPlainObject, {
    error: 'must be an object',
  })
  .meta({ type: 'object', additionalProperties: true }) as z.ZodType<Metadata>;

const time = z.iso.datetime({ offset: true });

export const addFileSchema = z
  .strictObject({
    path: z.string().min(1).max(16_384),
    version: z.int().min(1).max(2_147_483_647).optional(),
    sizeBytes: z.int().min(0),
    md5Sum: z
      .string()
      .regex(/^[0-9a-fA-F]{32}$/, 'must be 32 hex digits')
      .nullish(),
    createdAt: time.optional(),
    modifiedAt: time.optional(),
    metadata: metadata.optional(),
  })
  .meta({
    example: {
      path: 'analysis/summary.csv',
      sizeBytes: 2048,
      md5Sum: '9e107d9d372bb6826bd81d3542a419d6',
      metadata: { sample: 'Si111', operator: 'jdoe' },
    },
  });
export type AddFile = z.infer<typeof addFileSchema>;

export const updateFileSchema = z
  .strictObject({
    /** Merged into what is there (RFC 7396): null removes a key. */
    metadata,
    /** Refuse with 409 unless the file still has this revision. */
    revision: z.int().min(1).optional(),
  })
  .meta({ example: { metadata: { sample: 'Si111', comment: null }, revision: 3 } });
export type UpdateFile = z.infer<typeof updateFileSchema>;

export const fileSchema = z
  .object({
    id: z.string(),
    experimentId: z.int(),
    path: z.string(),
    name: z.string(),
    version: z.int(),
    sizeBytes: z.int(),
    md5Sum: z.string().nullable(),
    createdAt: z.string(),
    modifiedAt: z.string(),
    storedAt: z.string(),
    acquisitionId: z.string().nullable(),
    jobId: z.string().nullable(),
    ledgerId: z.string().nullable(),
    replicas: z.array(
      z.object({ destination: z.string().optional(), location: z.string(), proof: z.string(), verifiedAt: z.string() }),
    ),
    metadata,
    revision: z.int(),
    updatedAt: z.string(),
  })
  .meta({
    example: {
      id: '674017f5c8d3b2a1908f7e6d',
      experimentId: 12,
      path: 'data/scan_0001/frame_0001.h5',
      name: 'frame_0001.h5',
      version: 1,
      sizeBytes: 8_388_608,
      md5Sum: '9e107d9d372bb6826bd81d3542a419d6',
      createdAt: '2026-11-20T08:15:30.123Z',
      modifiedAt: '2026-11-20T08:15:30.123Z',
      storedAt: '2026-11-20T08:15:32.004Z',
      acquisitionId: '674017f5c8d3b2a1908f7e00',
      jobId: null,
      ledgerId: '1042',
      replicas: [
        {
          location: 'file:///data/store/99IDZ/smith-2026-3/data/scan_0001/frame_0001.h5',
          proof: 'md5',
          verifiedAt: '2026-11-20T08:15:32.001Z',
        },
      ],
      metadata: { sample: 'Si111', exposureSeconds: 0.1 },
      revision: 1,
      updatedAt: '2026-11-20T08:15:32.010Z',
    },
  });

export const filePageSchema = z.object({ items: z.array(fileSchema), nextCursor: z.string().nullable() });

export const statisticsSchema = z
  .object({
    countFiles: z.int(),
    totalBytes: z.int(),
    meanBytes: z.number().nullable(),
    minBytes: z.int().nullable(),
    maxBytes: z.int().nullable(),
    standardDeviationBytes: z.number().nullable(),
  })
  .meta({
    example: {
      countFiles: 2000,
      totalBytes: 16_777_216_000,
      meanBytes: 8_388_608,
      minBytes: 4096,
      maxBytes: 16_777_216,
      standardDeviationBytes: 1_048_576.5,
    },
  });
