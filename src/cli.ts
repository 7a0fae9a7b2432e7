#!/usr/bin/env node
/** The `dm` command. Everything it does goes through the station's REST interface; see cli/README.md. */
import { processIo } from './cli/io.js';
import { runCli } from './cli/program.js';

// `dm file list | head` closes the pipe early; that is a wish, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await runCli(process.argv.slice(2), processIo());
