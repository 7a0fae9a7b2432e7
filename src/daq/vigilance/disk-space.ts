import { execFile } from 'node:child_process';

export interface DiskSpace {
  freeBytes: number;
  /** Mount point: paths with the same are on the same disk. */
  mount: string;
}

const LIMIT_MS = 5000;

/**
 * Space of file systems, asked in a process of its own: on a network mount that hangs, the question never returns, and
 * in the station it would hold one of the few threads that all its file access shares.
 */
export class DiskSpaceProbe {
  /** A question that hangs is not asked again beside itself. */
  private readonly asking = new Set<string>();

  /** Undefined when there is no answer in time, or none at all. */
  async ask(path: Uint8Array): Promise<DiskSpace | undefined> {
    const text = Buffer.from(path).toString('utf8');
    if (!Buffer.from(text, 'utf8').equals(path) || this.asking.has(text)) {
      return undefined; // arguments are UTF-8; such a directory goes without a forecast
    }
    this.asking.add(text);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), LIMIT_MS);
      const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' };
      const child = execFile('df', ['-Pk', '--', text], { env: environment, timeout: LIMIT_MS }, (error, output) => {
        clearTimeout(timer);
        this.asking.delete(text);
        resolve(error === null ? parseDf(output) : undefined);
      });
      child.unref();
    });
  }
}

/** The last line of POSIX `df -Pk`: file system, blocks, used, available, capacity, mount point. */
export function parseDf(output: string): DiskSpace | undefined {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  const [, available, mount] = /\s(\d+)\s+\d+%\s+(\/.*)$/.exec(line) ?? [];
  return available === undefined || mount === undefined ? undefined : { freeBytes: Number(available) * 1024, mount };
}
