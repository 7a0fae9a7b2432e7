import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { runCommand } from './run-command.ts';

/** A program, or two in a row, that does what the station is compared with. */
export interface Peer {
  name: string;
  /** What is typed, for people. */
  command: string;
  programs: readonly string[];
  /** Brings the tree `from` to `to`, which does not exist yet; what it knows of digests goes to `digestFile`. */
  copy(from: string, to: string, digestFile: string): Promise<void>;
}

export const rsyncMd5sum: Peer = {
  name: 'rsyncMd5sum',
  command: 'rsync -a SOURCE/ COPY/ && find COPY -type f -exec md5sum {} +',
  programs: ['rsync', 'md5sum'],
  copy: async (from, to, digestFile) => {
    await runCommand('rsync', ['-a', `${from}/`, `${to}/`]);
    await md5sumTree(to, digestFile);
  },
};

export const rclone: Peer = {
  name: 'rclone',
  command: 'rclone copy SOURCE COPY',
  programs: ['rclone'],
  // Its defaults, and no configuration file of whoever runs the bench.
  copy: (from, to) => runCommand('rclone', ['--config', '', 'copy', from, to]),
};

export const cpMd5sum: Peer = {
  name: 'cpMd5sum',
  command: 'cp -r SOURCE/. COPY && find COPY -type f -exec md5sum {} +',
  programs: ['cp', 'md5sum'],
  copy: async (from, to, digestFile) => {
    mkdirSync(to);
    await runCommand('cp', ['-r', `${from}/.`, to]);
    await md5sumTree(to, digestFile);
  },
};

function md5sumTree(directory: string, digestFile: string): Promise<void> {
  return runCommand('find', [directory, '-type', 'f', '-exec', 'md5sum', '{}', '+'], digestFile);
}

/** First line of what each program says of its version; a program that is missing is missing here, too. */
export function versionsOf(peers: readonly Peer[]): Record<string, string> {
  const versions: Record<string, string> = {};
  for (const program of new Set(peers.flatMap((peer) => peer.programs))) {
    try {
      const output = execFileSync(program, [program === 'rclone' ? 'version' : '--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      versions[program] = output.split('\n')[0]?.trim().replace(/\s+/g, ' ') ?? '';
    } catch {
      // Said by whoever asks: a bench without one of its peers is a bench all the same.
    }
  }
  return versions;
}
