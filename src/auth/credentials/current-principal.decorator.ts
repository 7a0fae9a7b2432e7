import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { loginRequired } from '../auth.errors.js';
import type { Principal } from '../principal.js';
import { type Identity, identityOf } from './identity.js';

/** The caller of this route, for a parameter of type {@link Principal}. Not for `@Public()` routes: they have none. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  return requireIdentity(context).principal;
});

/** The caller with the credential that they used; only auth's own routes need to know. */
export const CurrentIdentity = createParamDecorator((_: unknown, context: ExecutionContext): Identity => {
  return requireIdentity(context);
});

function requireIdentity(context: ExecutionContext): Identity {
  const identity = identityOf(context.switchToHttp().getRequest<object>());
  if (identity === undefined) {
    throw loginRequired();
  }
  return identity;
}
