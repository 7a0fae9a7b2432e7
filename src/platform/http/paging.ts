import { z } from 'zod';
import { StationError } from '../../kernel/errors.js';

/** Query of every list: `limit` (1-1000, default 100) and the opaque `cursor` that the page before answered. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(8192).optional(),
});

export type PageQuery = z.infer<typeof pageQuery>;

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** Cuts a list that was read with one item more than `limit` into a page with its cursor. */
export function pageOf<Item>(items: Item[], limit: number, cursorOf: (last: Item) => unknown): Page<Item> {
  const page = items.slice(0, limit);
  const last = page.at(-1);
  const hasMore = items.length > limit && last !== undefined;
  return { items: page, nextCursor: hasMore ? encodeCursor(cursorOf(last)) : null };
}

export function encodeCursor(value: unknown): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}

/** @throws StationError CURSOR_INVALID when the text is not a cursor of this list. */
export function decodeCursor<T>(cursor: string | undefined, schema: z.ZodType<T>): T | undefined {
  if (cursor === undefined) {
    return undefined;
  }
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch (error) {
    throw new StationError(
      'invalid',
      'CURSOR_INVALID',
      'This cursor is not one that this list gave; start without one.',
      {
        cause: error,
      },
    );
  }
}
