import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';

/** Pieces are sent together in chunks of about this many bytes: a system call for each line would be most of the work. */
const CHUNK = 65_536;

/**
 * An answer of any length, read from `pieces` as fast as the client takes it. The first piece is awaited before anything is
 * sent, so that what is wrong with the request is still a problem answer; a failure later cuts the connection.
 */
export async function byteStream(
  pieces: AsyncGenerator<Buffer>,
  options: { type: string; fileName: string },
): Promise<StreamableFile> {
  const first = await pieces.next();
  return new StreamableFile(Readable.from(chunksOf(first, pieces), { objectMode: false }), {
    type: options.type,
    disposition: `attachment; filename="${options.fileName}"`,
  });
}

async function* chunksOf(first: IteratorResult<Buffer>, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    let chunk: Buffer[] = [];
    let length = 0;
    for (let next = first; next.done !== true; next = await rest.next()) {
      chunk.push(next.value);
      length += next.value.length;
      if (length >= CHUNK) {
        yield Buffer.concat(chunk);
        [chunk, length] = [[], 0];
      }
    }
    if (length > 0) {
      yield Buffer.concat(chunk);
    }
  } finally {
    await rest.return(undefined);
  }
}
