/** Cuts a stream of bytes into its NUL-terminated records, whatever the chunks that it comes in. */
export class NulRecords {
  private rest: Buffer[] = [];

  push(chunk: Buffer): Buffer[] {
    const records: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0); end !== -1; end = chunk.indexOf(0, start)) {
      records.push(Buffer.concat([...this.rest, chunk.subarray(start, end)]));
      this.rest = [];
      start = end + 1;
    }
    if (start < chunk.length) {
      this.rest.push(chunk.subarray(start));
    }
    return records;
  }
}

/** The other way round: fields that a script reads one by one. Names cannot hold NUL, so any of them fits. */
export function nulTerminated(fields: readonly (Uint8Array | string)[]): Buffer {
  return Buffer.concat(fields.flatMap((field) => [typeof field === 'string' ? Buffer.from(field) : field, NUL]));
}

const NUL = Buffer.of(0);
