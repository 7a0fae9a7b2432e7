import type { MetadataReaders, ReaderFindings } from './metadata-readers.port.js';
import type { ReadersMetrics } from './readers.metrics.js';

/** Measures any readers. */
export class MeteredMetadataReaders implements MetadataReaders {
  constructor(
    private readonly readers: MetadataReaders,
    private readonly metrics: ReadersMetrics,
  ) {}

  async read(path: Buffer | string, name: string, signal?: AbortSignal): Promise<ReaderFindings> {
    const from = performance.now();
    const observe = (reader: string | null, outcome: string) =>
      this.metrics.readingSeconds.observe({ reader: reader ?? 'none', outcome }, (performance.now() - from) / 1000);
    try {
      const found = await this.readers.read(path, name, signal);
      observe(found.reader, found.complaint !== null ? 'complaint' : found.reader === null ? 'unknown' : 'read');
      return found;
    } catch (error) {
      observe(null, 'error');
      throw error;
    }
  }
}
