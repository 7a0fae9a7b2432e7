import { isAbsolute } from 'node:path';
import { z } from 'zod';

export const absolutePath = z.string().refine(isAbsolute, { message: 'must be an absolute path, such as /data/store' });

/** A name that is safe as a directory name, in a URL and as an identifier on every file system. */
const stationName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, 'must be 1-32 letters, digits, dashes or underscores, such as 99IDZ');

const url = (...protocols: string[]) =>
  z.string().refine((text) => protocols.some((protocol) => text.startsWith(`${protocol}://`)), {
    message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`,
  });

export const platformSections = {
  station: z.strictObject({
    /** Name of the station; a directory of this name holds its experiments in the storage area. */
    name: stationName.default('99IDZ'),
  }),
  /** Everything that the station keeps for itself lives below this directory. */
  dataDir: absolutePath,
  http: z.strictObject({
    /** Address to listen on. Only loopback by default: put a TLS proxy in front before opening it. */
    host: z.string().default('127.0.0.1'),
    port: z.int().min(0).max(65535).default(22236),
    /**
     * Addresses or networks of the proxies in front, such as `127.0.0.1` or `10.1.0.0/16`. Only what they say in
     * X-Forwarded-For and X-Forwarded-Proto is believed.
     */
    trustedProxies: z.array(z.string().min(1)).default([]),
    /** Longest accepted request body, in bytes. */
    maxBodyBytes: z.int().positive().default(10_485_760),
  }),
  postgres: z.strictObject({
    /** An existing PostgreSQL 14 or newer. Without it the station runs its own, embedded one. */
    url: url('postgres', 'postgresql').optional(),
    poolSize: z.int().min(4).max(100).default(20),
    /** System account that runs the embedded server where the station itself is root. */
    osUser: z.string().optional(),
  }),
  redis: z.strictObject({
    /** Job queues move to this Redis; without it they use PostgreSQL. */
    url: url('redis', 'rediss').optional(),
  }),
  mongo: z.strictObject({
    /** The catalog moves to this MongoDB; without it it uses PostgreSQL. */
    url: url('mongodb', 'mongodb+srv').optional(),
  }),
  log: z.strictObject({
    level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
    /** `auto`: readable lines on a terminal, JSON elsewhere. */
    format: z.enum(['auto', 'json', 'text']).default('auto'),
  }),
  events: z.strictObject({
    /** How long the event feed can be resumed from, in days. */
    keepDays: z.number().positive().default(30),
  }),
};

export type PlatformConfig = {
  readonly [Section in keyof typeof platformSections]: z.infer<(typeof platformSections)[Section]>;
};
