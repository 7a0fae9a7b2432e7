import { z } from 'zod';
import { GRANTED_ROLES } from '../principal.js';

export const tokenIdParam = z.coerce.number().int().min(1).max(2_147_483_647).meta({ example: 12 });

export const createTokenSchema = z
  .strictObject({
    name: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .regex(/^\P{Cc}*$/u, 'must be one line of text'),
    expiresInDays: z.int().min(1).optional(),
    /** Restricts the token to these roles of yours; memberships in experiments stay. `[]`: memberships alone. */
    roles: z.array(z.enum(GRANTED_ROLES)).max(3).nullish(),
  })
  .meta({ example: { name: 'bluesky at 99ID', expiresInDays: 90, roles: ['operator'] } });

const tokenShape = {
  id: z.int(),
  name: z.string(),
  username: z.string(),
  roles: z.array(z.enum(GRANTED_ROLES)).nullable(),
  createdAt: z.string(),
  expiresAt: z.string(),
  lastUsedAt: z.string().nullable(),
};

const EXAMPLE = {
  id: 12,
  name: 'bluesky at 99ID',
  username: 'jdoe',
  roles: ['operator'],
  createdAt: '2026-11-20T08:00:00.000Z',
  expiresAt: '2027-02-18T08:00:00.000Z',
  lastUsedAt: null,
};

export const createdTokenSchema = z
  .object({ ...tokenShape, token: z.string() })
  .meta({ example: { ...EXAMPLE, token: 'dmt_3x4mp1e-shown-once-0000000000000000000000000' } });

export type CreateToken = z.infer<typeof createTokenSchema>;
