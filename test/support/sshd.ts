import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import type { RemoteHost } from '../../src/storage/hosts/hosts.config.js';
// Node.js runs this file as it is, too, for chaos.
import { freePort } from './free-port.ts';
import { processTree } from './process-tree.ts';
import { waitFor } from './wait-for.ts';

/** What a spec that uses it needs installed. */
export const SSHD_PROGRAMS = ['sshd', 'ssh', 'ssh-keygen', 'rsync'];

/** A real sshd on loopback that lets this account in, by keys of its own. */
export interface TestSshd {
  /** As the configuration would have it. */
  host: RemoteHost;
  /** Breaks every connection there is (kill -9 of the processes that serve them); new ones are welcome. */
  cut(): number;
  /** Whether a script or an rsync runs in one of its connections just now. */
  isAtWork(): boolean;
  /** kill -9 of the server and its connections; `start` brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes its keys. */
  dispose(): Promise<void>;
}

/** `parent`: where its keys and settings lie. */
export async function startSshd(changes: Partial<RemoteHost> = {}, parent = '/tmp'): Promise<TestSshd> {
  const folder = mkdtempSync(join(parent, 'dm-sshd-'));
  const port = await freePort();
  const path = (name: string): string => join(folder, name);
  for (const key of ['host_key', 'user_key']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path(key)]);
  }
  writeFileSync(path('authorized_keys'), readFileSync(path('user_key.pub')), { mode: 0o600 });
  const [type, key] = readFileSync(path('host_key.pub'), 'utf8').split(' ');
  writeFileSync(path('known_hosts'), `[127.0.0.1]:${port} ${type ?? ''} ${key ?? ''}\n`);
  writeFileSync(
    path('sshd_config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey "${path('host_key')}"`,
      `AuthorizedKeysFile "${path('authorized_keys')}"`,
      `PidFile "${path('pid')}"`,
      'PubkeyAuthentication yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'UsePAM no',
      'StrictModes no',
      'MaxSessions 50',
      'PrintMotd no',
      // So that bash leaves the account's .bashrc out: what that starts, a cut kills in the middle of its work.
      'SetEnv SHLVL=2',
      '',
    ].join('\n'),
  );
  if (process.getuid?.() === 0) {
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  }
  let server: ChildProcess;
  const start = async (): Promise<void> => {
    const program = execFileSync('sh', ['-c', 'PATH="$PATH:/usr/sbin:/sbin"; command -v sshd'], { encoding: 'utf8' });
    server = spawn(program.trim(), ['-D', '-e', '-f', path('sshd_config')], { stdio: 'ignore' });
    await waitFor(() => isListening(port), { timeoutMs: 20_000, what: `sshd on port ${port}` });
  };
  /** The processes that serve connections, and what runs in them; parents first, so that none starts another. */
  const sessions = (): number[] => processTree(server.pid ?? -1).filter((pid) => pid !== server.pid);
  const cut = (): number => {
    const serving = sessions();
    serving.forEach(killHard);
    return serving.length;
  };
  const stop = async (): Promise<void> => {
    cut();
    server.kill('SIGKILL');
    await waitFor(() => server.exitCode !== null || server.signalCode !== null, { what: 'sshd to end' });
  };
  await start();
  return {
    host: {
      address: '127.0.0.1',
      port,
      user: userInfo().username,
      identityFile: path('user_key'),
      knownHostsFile: path('known_hosts'),
      sourceRoots: [],
      concurrency: 2,
      ...changes,
    },
    cut,
    isAtWork: () => sessions().some(isWork),
    stop,
    start,
    dispose: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Neither sshd itself nor the `cat` that holds a connection open. */
function isWork(pid: number): boolean {
  try {
    return /^(?:bash|rsync)\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  } catch {
    return false;
  }
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
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
