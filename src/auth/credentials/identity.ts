import type { Principal } from '../principal.js';

/** A caller together with what proved who they are. */
export interface Identity {
  principal: Principal;
  credential: { kind: 'session' | 'token'; id: number };
  /** After this moment the credential proves nothing any more. */
  expiresAt: Date;
}

const IDENTITY = Symbol('identity');

/** Remembers on the request who makes it; only the guard calls this. */
export function setIdentity(request: object, identity: Identity): void {
  (request as { [IDENTITY]?: Identity })[IDENTITY] = identity;
}

export function identityOf(request: object): Identity | undefined {
  return (request as { [IDENTITY]?: Identity })[IDENTITY];
}
