import { z } from 'zod';
import { MAX_FILTER_CHARACTERS } from '../../catalog/index.js';
import { pageQuery } from '../../platform/http/index.js';
import { FILE_TASK_KINDS, FILE_TASK_STATUSES } from './file-task.js';

export const fileTaskBody = z
  .strictObject({
    kind: z.enum(FILE_TASK_KINDS),
    experiment: z.string().min(1),
    /** Shell wildcard on the path relative to the experiment's directory; `*` matches `/`, too. */
    pattern: z.string().min(1).max(4096).optional(),
    /** RE2 regular expression on the same path; it must match some part of it. */
    regex: z.string().min(1).max(4096).optional(),
    /** A filter of the catalog, as `GET /experiments/{name}/files` takes it. */
    filter: z.string().max(MAX_FILTER_CHARACTERS).optional(),
    /** Older versions as well; only for `delete`. */
    allVersions: z.boolean().default(false),
    algorithm: z.enum(['gzip', 'zstd']).default('gzip'),
    /** After `compress` and `decompress`: the verified originals go to the trash. */
    removeOriginals: z.boolean().default(false),
  })
  .refine(({ pattern, regex, filter }) => pattern !== undefined || regex !== undefined || filter !== undefined, {
    error: 'say which files: pattern, regex or filter ("*" as pattern means all)',
  })
  .meta({ example: { kind: 'delete', experiment: 'demo-exp', pattern: 'data/test_*/*.tif' } });
export type FileTaskBody = z.infer<typeof fileTaskBody>;

export const startFileTaskBody = z
  .strictObject({
    /** From the preview. */
    token: z.string().min(1).max(128),
  })
  .meta({ example: { token: '9e107d9d372bb6826bd81d3542a419d6' } });
export type StartFileTaskBody = z.infer<typeof startFileTaskBody>;

export const fileTaskId = z.uuid({ error: 'the id of a file task is a UUID, such as GET /api/v1/file-tasks lists' });

export const fileTasksQuery = pageQuery.extend({
  experiment: z.string().optional(),
  kind: z.enum(FILE_TASK_KINDS).optional(),
  status: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(FILE_TASK_STATUSES)))
    .optional(),
});
export type FileTasksQuery = z.infer<typeof fileTasksQuery>;

export const fileTaskItemsQuery = pageQuery.extend({
  state: z.enum(['pending', 'done', 'left-out', 'restored']).optional(),
});
export type FileTaskItemsQuery = z.infer<typeof fileTaskItemsQuery>;

export const fileTaskSchema = z
  .object({
    id: z.string(),
    kind: z.enum(FILE_TASK_KINDS),
    experiment: z.string(),
    status: z.enum(FILE_TASK_STATUSES),
    pattern: z.string().nullable(),
    regex: z.string().nullable(),
    filter: z.string().nullable(),
    allVersions: z.boolean(),
    algorithm: z.enum(['gzip', 'zstd']),
    removeOriginals: z.boolean(),
    /** What starts the task; only for whoever asked for the preview. */
    token: z.string().nullable(),
    requestedBy: z.string(),
    files: z.int(),
    bytes: z.int(),
    /** Of these, how many are the last copy: their source was removed. */
    lastCopies: z.int(),
    doneFiles: z.int(),
    doneBytes: z.int(),
    leftOutFiles: z.int(),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    startedBy: z.string().nullable(),
    endedAt: z.string().nullable(),
    undoneBy: z.string().nullable(),
    trashUntil: z.string().nullable(),
  })
  .meta({
    example: {
      id: '5f0b8ad2-6b5a-4e4e-8f5a-2f6f2f1f0c11',
      kind: 'delete',
      experiment: 'demo-exp',
      status: 'previewed',
      pattern: 'data/test_*/*.tif',
      regex: null,
      filter: null,
      allVersions: false,
      algorithm: 'gzip',
      removeOriginals: false,
      token: '9e107d9d372bb6826bd81d3542a419d6',
      requestedBy: 'jdoe',
      files: 120,
      bytes: 1_006_632_960,
      lastCopies: 0,
      doneFiles: 0,
      doneBytes: 0,
      leftOutFiles: 0,
      createdAt: '2026-11-20T08:15:30.123Z',
      startedAt: null,
      startedBy: null,
      endedAt: null,
      undoneBy: null,
      trashUntil: null,
    },
  });
export type FileTaskView = z.infer<typeof fileTaskSchema>;

export interface FileTaskItemView {
  path: string;
  version: number;
  sizeBytes: number;
  md5Sum: string | null;
  state: string;
  reasonCode: string | null;
  reason: string | null;
  isInTrash: boolean;
  /** What was made of it. */
  derived: { path: string; sizeBytes: number; md5Sum: string } | null;
}
