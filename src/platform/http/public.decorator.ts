import { type CustomDecorator, SetMetadata } from '@nestjs/common';

export const IS_PUBLIC = Symbol('public route');

/** Marks a controller or route that needs no login. Everything else does. */
export const Public = (): CustomDecorator<symbol> => SetMetadata(IS_PUBLIC, true);
