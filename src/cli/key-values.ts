import { usageError } from './exit-codes.js';

/**
 * Free `key:value` arguments, as the facility's commands have always taken them: only the first ':' splits, so values may
 * hold colons (`link:https://…`). The last one of a key wins.
 */
export function parseKeyValues(pairs: readonly string[]): Record<string, string> {
  const result: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const pair of pairs) {
    const colon = pair.indexOf(':');
    if (colon <= 0) {
      throw usageError(`"${pair}" is no key:value pair; write for example sample:AgBeh or "comment:second try".`);
    }
    result[pair.slice(0, colon)] = pair.slice(colon + 1);
  }
  return { ...result };
}
