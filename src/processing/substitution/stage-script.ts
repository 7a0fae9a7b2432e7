import { VARIABLE_PREFIX, type RewrittenCommand } from './command-rewriter.js';
import { singleQuoted } from './shell-quoting.js';
import { VARIABLE_NAME, type Variable } from './variable.js';

/** Linux refuses to start a program with one environment entry above 128 KiB; longer values stay in the shell itself. */
const MAX_EXPORTED_BYTES = 65_536;
/** All exported values together: far below the smallest usual limit on arguments and environment (2 MiB). */
const MAX_EXPORTED_TOTAL_BYTES = 524_288;

/**
 * The file that the stage's shell reads: first every job variable as `DM_VAR_name`, then the change of directory, then
 * the rewritten command. A file, not an argument, because it carries any bytes and has no length limit. Variables are
 * exported so that a script in another language, or an inner `sh -c '… "$DM_VAR_filePath"'`, can read them unparsed.
 */
export function stageScript(
  command: RewrittenCommand,
  variables: ReadonlyMap<string, Variable>,
  workingDirectory: Uint8Array,
): Buffer {
  const parts: Uint8Array[] = [];
  let exported = 0;
  for (const [name, variable] of variables) {
    if (!VARIABLE_NAME.test(name)) {
      continue;
    }
    const fits =
      variable.bytes.length <= MAX_EXPORTED_BYTES && exported + variable.bytes.length <= MAX_EXPORTED_TOTAL_BYTES;
    if (fits || command.used.has(name)) {
      exported += fits ? variable.bytes.length : 0;
      parts.push(
        Buffer.from(`${fits ? 'export ' : ''}${VARIABLE_PREFIX}${name}=`),
        singleQuoted(variable.bytes),
        NEWLINE,
      );
    }
  }
  parts.push(Buffer.from('cd -- '), singleQuoted(workingDirectory), Buffer.from(' || exit 125\n'));
  parts.push(Buffer.from(command.script), NEWLINE);
  return Buffer.concat(parts);
}

const NEWLINE = Buffer.from('\n');
