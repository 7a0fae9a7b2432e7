import { RE2JS } from 're2js';
import { messageOf, StationError } from '../../kernel/errors.js';
import { wildcard } from '../../kernel/wildcard.js';

/**
 * Whether a path (text form) is meant by a wildcard and a regular expression; both must match where both are given. Each
 * takes time linear in the path, whatever the pattern.
 *
 * @throws StationError REGEX_INVALID
 */
export function pathMatch(pattern: string | null, regex: string | null): (path: string) => boolean {
  const byWildcard = pattern === null ? undefined : wildcard(pattern);
  const byRegex = regex === null ? undefined : compiled(regex);
  return (path) => (byWildcard?.(path) ?? true) && (byRegex?.matcher(path).find() ?? true);
}

function compiled(regex: string): RE2JS {
  try {
    return RE2JS.compile(regex);
  } catch (error) {
    throw new StationError(
      'invalid',
      'REGEX_INVALID',
      `${regex} is no RE2 regular expression (${messageOf(error)}); look-arounds and back-references are not known to it.`,
    );
  }
}
