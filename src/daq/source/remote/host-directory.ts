import { codeOfText, MOST_COMPLAINTS } from '../../../storage/index.js';
import { StationError } from '../../../kernel/errors.js';
import { pathToText } from '../../../kernel/path-text.js';
import type { SourceLocation } from '../source-tree.port.js';
import { complaintsOf, type FoundEntry, parseEntry, startOf } from './found-entry.js';
import type { PatientShell } from './patient-shell.js';

/** What could not be told, by path (one character per byte). */
export interface Untold {
  codes: ReadonlyMap<string, string>;
  /** There was more than is written down. */
  isCut: boolean;
}

/** Asks `find` on the host about entries of one directory. */
export class HostDirectory {
  constructor(
    private readonly location: SourceLocation,
    readonly shell: PatientShell,
  ) {}

  /**
   * Entries as they come, in the order of `paths`. What is gone is left out.
   *
   * @throws StationError SOURCE_LOST when the directory itself is not there: of its files nothing is known then.
   */
  async *entries(
    script: string,
    paths: readonly Uint8Array[],
    onUntold: (untold: Untold) => void,
  ): AsyncGenerator<FoundEntry[], void, void> {
    let isThere = false;
    const fields = [this.location.directory, ...paths.map(startOf)];
    const note = (text: string) => {
      onUntold({ codes: complaintsOf(text, codeOfText), isCut: text.length >= MOST_COMPLAINTS });
    };
    for await (const records of this.shell.stream(script, fields, note)) {
      if (!isThere && records[0]?.toString('latin1') !== 'there') {
        throw new StationError(
          'unavailable',
          'SOURCE_LOST',
          `@${this.location.host ?? ''}:${pathToText(this.location.directory)} is not there any more; the station goes on when it is back.`,
        );
      }
      const found = isThere ? records : records.slice(1);
      isThere = true;
      yield found.flatMap((record) => parseEntry(record) ?? []);
    }
  }
}
