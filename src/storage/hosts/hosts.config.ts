import { z } from 'zod';
import { absolutePath } from '../../platform/config/index.js';

/** What ssh would take for an option, or a shell for anything else, cannot be in an address or an account. */
export const hostAddress = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$/, 'must be a host name or an IP address');
export const hostAccount = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, 'must be the name of an account');

/** A machine that the station may speak with by ssh. Section `storage.hosts`, by alias. */
export const remoteHostSchema = z.strictObject({
  address: hostAddress,
  port: z.int().min(1).max(65535).default(22),
  /** Account there. Default: what ssh takes by itself. */
  user: hostAccount.optional(),
  /** Private key without passphrase, or one that an ssh agent holds. Default: what ssh takes by itself. */
  identityFile: absolutePath.optional(),
  /** Where the host's key stands, as `ssh-keyscan` prints it; a host that is not in it is refused. */
  knownHostsFile: absolutePath.optional(),
  /** Acquisitions may read below these directories of the host only; none: it is not read from. */
  sourceRoots: z.array(absolutePath).default([]),
  /** What `@alias` without a path stands for. */
  directory: absolutePath.optional(),
  /** Bytes per second that rsync may take from or to this host; no limit without it. */
  bytesPerSecond: z.number().int().min(1024).optional(),
  /** Batches under way with this host at a time. */
  concurrency: z.int().min(1).max(32).default(2),
});

export type RemoteHost = z.infer<typeof remoteHostSchema>;

export const hostAlias = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be letters, digits, dots, dashes or underscores');

export const remoteHostsSchema = z.record(hostAlias, remoteHostSchema).default({});
