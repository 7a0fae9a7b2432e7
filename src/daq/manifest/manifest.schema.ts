import { z } from 'zod';

export const MANIFEST_FORMATS = ['md5sum', 'sha256sum', 'ndjson'] as const;

export const manifestQuery = z.object({
  format: z.enum(MANIFEST_FORMATS).default('md5sum').meta({
    description:
      '`md5sum` and `sha256sum`: a list that the program of this name checks in the experiment’s directory; `ndjson`: one file version a line with the evidence of each copy',
  }),
  versions: z.enum(['latest', 'all']).default('latest'),
  pathPrefix: z.string().max(16_384).default('').meta({
    description: 'Only files whose path, in its text form and relative to the experiment, begins so',
    example: 'data/scan_0001/',
  }),
  partial: z.stringbool().default(false).meta({
    description:
      'For `sha256sum`: also when digests are still to be computed; without it such a list is refused. Files without one are comments',
  }),
});

export type ManifestRequest = z.infer<typeof manifestQuery>;
