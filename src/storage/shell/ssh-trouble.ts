import { StationError } from '../../kernel/errors.js';

/** What ssh calls a refusal that no waiting cures, and what a person does about it. */
const REFUSALS: readonly [RegExp, string, string][] = [
  [
    /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No .* host key is known/,
    'HOST_KEY_UNKNOWN',
    'Compare its key and put it into knownHostsFile (ssh-keyscan prints it).',
  ],
  [
    /Permission denied|Too many authentication failures|No such identity/,
    'HOST_ACCESS_DENIED',
    'Check user and identityFile of the host, and authorized_keys there.',
  ],
  [/command not found|bash: No such file/, 'HOST_TOOLS_MISSING', 'Install bash, coreutils, findutils and rsync there.'],
];

/**
 * Why a call by ssh did not come to its end. All of them are `unavailable`, since a host that is switched off or wrongly
 * configured says nothing about files; those that no waiting cures are not retryable.
 */
export function sshTrouble(place: string, exitCode: number | null, complaints: string): StationError {
  const said = complaints.trim().split('\n').slice(-3).join(' ').trim();
  for (const [pattern, code, advice] of REFUSALS) {
    if (pattern.test(complaints)) {
      return new StationError('unavailable', code, `Cannot work on ${place}: ${said}. ${advice}`, {
        retryable: false,
      });
    }
  }
  return new StationError(
    'unavailable',
    'HOST_UNREACHABLE',
    `The connection to ${place} could not be made or broke off${said === '' ? '' : `: ${said}`} (ssh exit ${exitCode ?? 'by a signal'}). The work goes on when it is back; check the host and the network.`,
    { retryAfterSeconds: 5 },
  );
}
