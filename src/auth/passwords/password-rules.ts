import { StationError } from '../../kernel/errors.js';

/** Longest password or username that is looked at at all: hashing must not become work that a stranger can order. */
export const MAX_PASSWORD_LENGTH = 1024;
export const MAX_LOGIN_NAME_LENGTH = 256;

/**
 * Length counts, kinds of characters do not (NIST SP 800-63B 3.1.1.2).
 *
 * @throws StationError PASSWORD_REFUSED that says what is missing; the password is never part of it.
 */
export function assertGoodPassword(password: string, username: string, minLength: number): void {
  const problem =
    [...password].length < minLength
      ? `it must have at least ${minLength} characters`
      : password.length > MAX_PASSWORD_LENGTH
        ? `it must have at most ${MAX_PASSWORD_LENGTH} characters`
        : password.toLowerCase() === username
          ? 'it must not be the username'
          : new Set(password).size === 1
            ? 'it must not repeat one character'
            : null;
  if (problem !== null) {
    throw new StationError('invalid', 'PASSWORD_REFUSED', `Choose another password: ${problem}.`);
  }
}
