/** What a script said: its NUL-terminated records, and what its programs complained of. */
export interface ShellAnswer {
  records: Buffer[];
  complaints: string;
}

/** Complaints are for people: the first ones tell the story. Characters. */
export const MOST_COMPLAINTS = 64 * 1024;

export type Field = Uint8Array | string;

/**
 * Runs the station's own bash scripts, on this machine or on another one by ssh. Obligations:
 * - the script's text is fixed; whatever comes from outside goes to it as NUL-terminated fields on its standard input and
 *   never becomes part of a command;
 * - `LC_ALL=C`, so that names are bytes and complaints are the ones that `error-text.ts` knows;
 * - an answer is whole: when the script did not reach its end (the connection was cut, the machine went down) the promise
 *   rejects with a retryable StationError, and nothing may be concluded from what it had said by then.
 */
export interface Shell {
  /** Where it runs, for messages. */
  readonly place: string;
  run(script: string, fields: readonly Field[]): Promise<ShellAnswer>;
  /**
   * The same for answers too long to hold: records in the portions that they come in. `onComplaints` is called at the end
   * of a whole answer, with {@link MOST_COMPLAINTS} characters at most; `signal` ends a script that nobody waits for.
   */
  stream(
    script: string,
    fields: readonly Field[],
    onComplaints?: (text: string) => void,
    signal?: AbortSignal,
  ): AsyncGenerator<Buffer[], void, void>;
  close(): Promise<void>;
}
