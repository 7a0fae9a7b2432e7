import { z } from 'zod';
import { FILE_FORMATS } from '../metadata-readers.port.js';

/** In paths of existing readers: any text, for an unknown one is a 404 and not a malformed request. */
export const readerNameParam = z.string().min(1).max(256).meta({ example: 'read-sps-header' });

/** PostgreSQL and the operating system know no U+0000 in a text. */
const text = (most: number) =>
  z
    .string()
    .max(most)
    .refine((value) => !value.includes('\0'), 'must not hold U+0000');

export const newReaderNameParam = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be 1-64 small letters, digits and dashes, and begin with a letter')
  .meta({ example: 'read-sps-header' });

const formats = z.array(z.enum(FILE_FORMATS)).max(FILE_FORMATS.length);

export const readerSettingsBody = z
  .strictObject({
    isEnabled: z.boolean().optional(),
    /** Readers are asked lowest first. Default 100, of the built-in ones 500. */
    order: z.int().min(0).max(10_000).optional(),
    formats: formats.optional(),
    /** Shell wildcards on the path in the experiment; without a slash on the name alone. */
    files: z.array(text(1024).min(1)).max(100).optional(),
    /** The executable's absolute path and its arguments; `{file}` in one of them stands for the file, else it comes last. */
    command: z.array(text(4096)).min(1).max(100).nullish(),
    environment: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be a name such as DETECTOR'), text(4096))
      .optional(),
    timeoutSeconds: z.int().min(1).max(3600).optional(),
    memoryMegabytes: z.int().min(16).max(1_048_576).optional(),
  })
  .meta({
    example: {
      files: ['data/*.sps'],
      command: ['/usr/local/bin/read-sps-header', '--json', '{file}'],
      environment: { DETECTOR: 'pilatus' },
      timeoutSeconds: 10,
      memoryMegabytes: 512,
    },
  });
export type ReaderSettingsBody = z.infer<typeof readerSettingsBody>;

export const readerSchema = z
  .object({
    name: z.string(),
    isBuiltIn: z.boolean(),
    isEnabled: z.boolean(),
    order: z.int(),
    formats,
    files: z.array(z.string()),
    command: z.array(z.string()).nullable(),
    environment: z.record(z.string(), z.string()),
    timeoutSeconds: z.int(),
    memoryMegabytes: z.int(),
    updatedAt: z.string().nullable(),
    updatedBy: z.string().nullable(),
  })
  .meta({
    example: {
      name: 'read-sps-header',
      isBuiltIn: false,
      isEnabled: true,
      order: 100,
      formats: [],
      files: ['data/*.sps'],
      command: ['/usr/local/bin/read-sps-header', '--json', '{file}'],
      environment: { DETECTOR: 'pilatus' },
      timeoutSeconds: 10,
      memoryMegabytes: 512,
      updatedAt: '2026-11-26T08:00:00.000Z',
      updatedBy: 'manager',
    },
  });

export const readersSchema = z.object({ items: z.array(readerSchema), nextCursor: z.null() });

export const trialBody = z
  .strictObject({
    experiment: z.string().min(1).max(256),
    path: z.string().min(1).max(16_384),
    version: z.int().min(1).max(2_147_483_647).optional(),
    /** Left out: the reader that such a file would get. */
    reader: z.string().min(1).max(256).optional(),
  })
  .meta({ example: { experiment: 'smith-2026-3', path: 'data/scan_0001.sps', reader: 'read-sps-header' } });
export type TrialBody = z.infer<typeof trialBody>;

export const findingsSchema = z
  .object({
    format: z.string().nullable(),
    reader: z.string().nullable(),
    raw: z.record(z.string(), z.unknown()).nullable(),
    complaint: z.string().nullable(),
  })
  .meta({
    example: {
      format: 'read-sps-header',
      reader: 'read-sps-header',
      raw: { energy: 12.4, sample: 'Si111' },
      complaint: null,
    },
  });
