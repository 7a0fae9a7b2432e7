import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import type { GridftpServer } from '../../src/storage/engines/gridftp/control-channel.js';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

export const GRIDFTP_PROGRAMS = ['globus-url-copy', 'globus-gridftp-server'];

/** A real GridFTP server on loopback that lets anybody in as this account. */
export interface TestGridftp {
  server: GridftpServer;
  /** Breaks every connection there is; new ones are welcome. */
  cut(): number;
  stop(): Promise<void>;
}

export async function startGridftp(): Promise<TestGridftp> {
  const port = await freePort();
  const program = execFileSync('sh', ['-c', 'PATH="$PATH:/usr/sbin:/sbin"; command -v globus-gridftp-server'], {
    encoding: 'utf8',
  }).trim();
  const { username } = userInfo();
  const asRoot = process.getuid?.() === 0 ? ['-allow-root', '-anonymous-user', username] : [];
  const child: ChildProcess = spawn(
    program,
    [
      ...['-aa', ...asRoot, '-p', String(port), '-perms', '0600', '-disable-usage-stats'],
      ...['-control-interface', '127.0.0.1', '-data-interface', '127.0.0.1', '-home-dir', '/'],
    ],
    { stdio: 'ignore' },
  );
  await waitFor(() => isListening(port), { timeoutMs: 20_000, what: `globus-gridftp-server on port ${port}` });
  const cut = (): number => {
    const sessions = childrenOf(child.pid ?? -1);
    sessions.forEach((pid) => process.kill(pid, 'SIGKILL'));
    return sessions.length;
  };
  return {
    server: { address: '127.0.0.1', port, user: 'anonymous', password: 'dm@' },
    cut,
    stop: async () => {
      cut();
      child.kill('SIGKILL');
      await waitFor(() => child.exitCode !== null || child.signalCode !== null, { what: 'the GridFTP server to end' });
    },
  };
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        const stat = readFileSync(`/proc/${candidate}/stat`, 'latin1');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return state !== 'Z' && Number(parent) === pid;
      } catch {
        return false;
      }
    });
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}
