import { Injectable } from '@nestjs/common';
import type { ReaderDefinition } from './reader-definition.js';
import { withBuiltIns } from './reader-definition.js';
import { ReaderDefinitionRepository } from './reader-definition.repository.js';

/** Another station process on the same database may change them; its change is seen after so long. */
const FRESH_MS = 5000;

/** The readers as they are set at the moment, without asking the database for every file. */
@Injectable()
export class ReaderDefinitions {
  private known: { readers: Promise<ReaderDefinition[]>; until: number } | undefined;

  constructor(private readonly repository: ReaderDefinitionRepository) {}

  /** In the order in which they are asked. @throws StationError (kind unavailable) when the database does not answer. */
  all(): Promise<ReaderDefinition[]> {
    if (this.known === undefined || this.known.until < performance.now()) {
      const readers = this.repository.all().then(withBuiltIns);
      this.known = { readers, until: performance.now() + FRESH_MS };
      readers.catch(() => this.forget());
    }
    return this.known.readers;
  }

  /** To be called after a change. */
  forget(): void {
    this.known = undefined;
  }
}
