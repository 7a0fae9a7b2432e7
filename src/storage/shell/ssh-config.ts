import { homedir } from 'node:os';
import { join } from 'node:path';
import type { RemoteHost } from '../hosts/hosts.config.js';

/**
 * The configuration that our ssh and rsync's use: what a host has in ours comes first and cannot be overruled; what it
 * leaves open (a jump host, say) is taken from the account's own `~/.ssh/config`, where it stands under its address.
 */
export function sshConfig(host: RemoteHost, controlPath: string): string {
  const settings: [string, string | undefined][] = [
    ['HostName', host.address],
    ['Port', String(host.port)],
    ['User', host.user],
    ['IdentityFile', quoted(host.identityFile)],
    ['IdentitiesOnly', host.identityFile === undefined ? undefined : 'yes'],
    ['UserKnownHostsFile', quoted(host.knownHostsFile)],
    ['GlobalKnownHostsFile', host.knownHostsFile === undefined ? undefined : '/dev/null'],
    ['CheckHostIP', 'no'],
    ['StrictHostKeyChecking', 'yes'],
    ['UpdateHostKeys', 'no'],
    ['BatchMode', 'yes'],
    ['ConnectTimeout', '10'],
    ['ServerAliveInterval', '10'],
    ['ServerAliveCountMax', '3'],
    ['ForwardAgent', 'no'],
    ['ForwardX11', 'no'],
    ['ClearAllForwardings', 'yes'],
    ['PermitLocalCommand', 'no'],
    ['LogLevel', 'ERROR'],
    ['ControlPath', quoted(controlPath)],
    ['ControlMaster', 'no'],
    ['ControlPersist', 'no'],
  ];
  const lines = settings.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name} ${value}`]));
  return ['Host *', ...lines, `Include ${quoted(join(homedir(), '.ssh/config')) ?? ''}`, ''].join('\n');
}

function quoted(path: string | undefined): string | undefined {
  return path === undefined ? undefined : `"${path.replaceAll('%', '%%').replaceAll('"', '')}"`;
}
