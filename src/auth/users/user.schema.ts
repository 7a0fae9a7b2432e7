import { z } from 'zod';
import { MAX_PASSWORD_LENGTH } from '../passwords/password-rules.js';
import { GRANTED_ROLES } from '../principal.js';
import { canonicalUsername, isUsername, USERNAME_RULE } from './username.js';

/** In paths: any text, for an unknown user is a 404 and not a malformed request. */
export const usernameParam = z.string().min(1).max(256).meta({ example: 'jdoe' });
export const roleParam = z.enum(GRANTED_ROLES).meta({ example: 'operator' });

const newUsername = z.string().max(256).transform(canonicalUsername).refine(isUsername, { message: USERNAME_RULE });
/** Not judged here: rules of length answer with their own code, and nothing that is logged may hold the text. */
const password = z.string().max(MAX_PASSWORD_LENGTH);
const personName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^\P{Cc}*$/u, 'must be one line of text');
const email = z.email().max(254);

export const createUserSchema = z
  .strictObject({
    username: newUsername,
    password: password.optional(),
    firstName: personName.nullish(),
    lastName: personName.nullish(),
    email: email.nullish(),
  })
  .meta({
    example: {
      username: 'jdoe',
      password: 'seven wet horses',
      firstName: 'Jane',
      lastName: 'Doe',
      email: 'jane.doe@example.org',
    },
  });

export const updateUserSchema = z
  .strictObject({
    firstName: personName.nullish(),
    lastName: personName.nullish(),
    email: email.nullish(),
    password: password.optional(),
    disabled: z.boolean().optional(),
  })
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), {
    message: 'give at least one of firstName, lastName, email, password, disabled',
  })
  .meta({ example: { email: 'jane@example.org', disabled: false } });

export const userSchema = z
  .object({
    id: z.int(),
    username: z.string(),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    email: z.string().nullable(),
    roles: z.array(z.enum(GRANTED_ROLES)),
    disabled: z.boolean(),
    hasPassword: z.boolean(),
    passwordChangeRequired: z.boolean(),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({
    example: {
      id: 7,
      username: 'jdoe',
      firstName: 'Jane',
      lastName: 'Doe',
      email: 'jane.doe@example.org',
      roles: ['operator'],
      disabled: false,
      hasPassword: true,
      passwordChangeRequired: false,
      createdAt: '2026-11-20T08:00:00.000Z',
      updatedAt: '2026-11-20T08:00:00.000Z',
    },
  });

export type CreateUser = z.infer<typeof createUserSchema>;
export type UpdateUser = z.infer<typeof updateUserSchema>;
