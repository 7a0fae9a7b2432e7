import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';

export const NDJSON = 'application/x-ndjson';

/** Whether the first media type that the caller names is NDJSON; browsers and scripts that do not care get pages. */
export function wantsNdjson(accept: string | undefined): boolean {
  return accept?.split(/[,;]/, 1)[0]?.trim().toLowerCase() === NDJSON;
}

/**
 * One JSON document per line, read from `items` as fast as the client takes them. The first item is awaited before
 * anything is sent, so that what is wrong with the request is still a problem answer. A failure later cuts the
 * connection: a short body must not look complete.
 */
export async function ndjsonOf<Item>(items: AsyncGenerator<Item>): Promise<StreamableFile> {
  const first = await items.next();
  const lines = Readable.from(linesOf(first, items), { objectMode: false });
  return new StreamableFile(lines, { type: NDJSON });
}

/** Lines are sent in chunks of about this many characters: a system call for each would be the larger part of the work. */
const CHUNK = 65_536;

async function* linesOf<Item>(first: IteratorResult<Item>, rest: AsyncGenerator<Item>): AsyncGenerator<string> {
  try {
    let chunk = '';
    for (let next = first; next.done !== true; next = await rest.next()) {
      chunk += `${JSON.stringify(next.value)}\n`;
      if (chunk.length >= CHUNK) {
        yield chunk;
        chunk = '';
      }
    }
    if (chunk !== '') {
      yield chunk;
    }
  } finally {
    await rest.return(undefined);
  }
}
