/** Tells a person what the set-up does. Always on standard error: standard output belongs to what is being run. */
export function say(message) {
  process.stderr.write(`dm-station set-up: ${message}\n`);
}

/** Ends the set-up with a sentence instead of a stack trace. */
export class SetupError extends Error {
  /**
   * @param {string} message says what is wrong and what to do
   * @param {number} exitCode of the process
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
