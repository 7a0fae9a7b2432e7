import { StationError } from '../kernel/errors.js';

/** One answer for "does not exist" and "not yours", so that nobody can find out names by trying. */
export function experimentNotFound(): StationError {
  return new StationError(
    'not-found',
    'EXPERIMENT_NOT_FOUND',
    'There is no such experiment, or you do not belong to it. Its PI or the station manager can add you.',
  );
}

export function userNotFound(username: string): StationError {
  return new StationError('not-found', 'USER_NOT_FOUND', `There is no user ${JSON.stringify(username)}.`);
}

/** One answer for unknown users, wrong passwords, accounts without a password and disabled ones. */
export function loginFailed(): StationError {
  return new StationError('unauthenticated', 'LOGIN_FAILED', 'Incorrect username or password.');
}

export function loginRequired(): StationError {
  return new StationError(
    'unauthenticated',
    'LOGIN_REQUIRED',
    'Log in first (POST /api/v1/auth/login) or send an API token as "Authorization: Bearer …".',
  );
}

export function credentialRejected(): StationError {
  return new StationError(
    'unauthenticated',
    'CREDENTIAL_REJECTED',
    'The session has ended, or the token is unknown, expired or revoked. Log in again, or create a new token.',
  );
}

export function sessionRequired(what: string): StationError {
  return new StationError(
    'forbidden',
    'SESSION_REQUIRED',
    `${what} takes a login with a password; an API token cannot do it.`,
  );
}
