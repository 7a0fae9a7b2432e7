import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { remoteHostSchema, type RemoteHost } from '../../src/storage/hosts/hosts.config.js';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

/** What a spec that uses it needs installed. */
export const SSHD_PROGRAMS = ['sshd', 'ssh', 'ssh-keygen', 'rsync'];

/** A real sshd on loopback that lets this account in, by keys of its own. */
export interface TestSshd {
  /** As the configuration would have it. */
  host: RemoteHost;
  /** Breaks every connection there is (kill -9 of the processes that serve them); new ones are welcome. */
  cut(): number;
  /** kill -9 of the server and its connections; `start` brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes its keys. */
  dispose(): Promise<void>;
}

export async function startSshd(changes: Partial<RemoteHost> = {}): Promise<TestSshd> {
  // Below /tmp: sshd wants every folder above its keys to belong to root or the account.
  const folder = mkdtempSync('/tmp/dm-sshd-');
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
      `HostKey ${path('host_key')}`,
      `AuthorizedKeysFile ${path('authorized_keys')}`,
      `PidFile ${path('pid')}`,
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
  const cut = (): number => {
    const sessions = descendantsOf(server.pid ?? -1);
    sessions.forEach(killHard);
    return sessions.length;
  };
  const stop = async (): Promise<void> => {
    cut();
    server.kill('SIGKILL');
    await waitFor(() => server.exitCode !== null || server.signalCode !== null, { what: 'sshd to end' });
  };
  await start();
  return {
    host: remoteHostSchema.parse({
      address: '127.0.0.1',
      port,
      user: userInfo().username,
      identityFile: path('user_key'),
      knownHostsFile: path('known_hosts'),
      ...changes,
    }),
    cut,
    stop,
    start,
    dispose: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The processes that serve connections, and what runs in them; parents first, so that none starts another. */
function descendantsOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
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
