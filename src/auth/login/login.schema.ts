import { z } from 'zod';
import { MAX_LOGIN_NAME_LENGTH, MAX_PASSWORD_LENGTH } from '../passwords/password-rules.js';
import { userSchema } from '../users/user.schema.js';

export const loginSchema = z
  .strictObject({
    username: z.string().min(1).max(MAX_LOGIN_NAME_LENGTH),
    password: z.string().min(1).max(MAX_PASSWORD_LENGTH),
  })
  .meta({ example: { username: 'admin', password: 'what is in the file admin-password' } });

export const passwordChangeSchema = z
  .strictObject({
    currentPassword: z.string().min(1).max(MAX_PASSWORD_LENGTH),
    newPassword: z.string().min(1).max(MAX_PASSWORD_LENGTH),
  })
  .meta({ example: { currentPassword: 'seven wet horses', newPassword: 'eight dry donkeys' } });

const user = userSchema.parse(userSchema.meta()?.['example']);

export const loginAnswerSchema = z
  .object({ token: z.string(), expiresAt: z.string(), user: userSchema, passwordChangeRequired: z.boolean() })
  .meta({
    example: {
      token: 'dms_3x4mp1e-0000000000000000000000000000000000',
      expiresAt: '2026-11-20T20:00:00.000Z',
      user,
      passwordChangeRequired: false,
    },
  });

export const meSchema = z
  .object({
    user: userSchema,
    credential: z.enum(['session', 'token']),
    roles: z.array(z.string()),
    expiresAt: z.string(),
    passwordChangeRequired: z.boolean(),
  })
  .meta({
    example: {
      user,
      credential: 'session',
      roles: ['operator'],
      expiresAt: '2026-11-20T20:00:00.000Z',
      passwordChangeRequired: false,
    },
  });

export type LoginBody = z.infer<typeof loginSchema>;
export type LoginAnswer = z.infer<typeof loginAnswerSchema>;
export type Me = z.infer<typeof meSchema>;
export type PasswordChangeBody = z.infer<typeof passwordChangeSchema>;
