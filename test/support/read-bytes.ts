import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detectFormat } from '../../src/catalog/readers/formats/detect-format.js';
import { FileSource } from '../../src/catalog/readers/formats/file-source.js';
import { readFormat } from '../../src/catalog/readers/formats/read-format.js';
import type { FileFormat, RawTree } from '../../src/catalog/readers/metadata-readers.port.js';

export interface ReadBytes {
  format: FileFormat | null;
  raw: RawTree;
  complaint: string | null;
  isReaderBroken: boolean;
}

/** What the built-in readers say of a file with this content, read in this process. */
export async function readBytes(content: Uint8Array | string, name = 'file.dat'): Promise<ReadBytes> {
  const directory = mkdtempSync(join(tmpdir(), 'dm-read-'));
  const path = join(directory, 'file');
  writeFileSync(path, content);
  const source = FileSource.open(path);
  try {
    const format = detectFormat(source, name);
    const reading = format === null ? undefined : await readFormat(format, source);
    return {
      format,
      raw: reading?.raw ?? {},
      complaint: reading?.complaint ?? null,
      isReaderBroken: reading?.isReaderBroken ?? false,
    };
  } finally {
    source.close();
    rmSync(directory, { recursive: true });
  }
}
