import { parentPort } from 'node:worker_threads';
import { type FileWork, type FileWorkResult, workOnFile } from './file-work.js';

export interface FileWorkReply {
  result?: FileWorkResult;
  error?: string;
}

parentPort?.on('message', (work: FileWork) => {
  workOnFile(work).then(
    (result) => parentPort?.postMessage({ result } satisfies FileWorkReply),
    (error: unknown) =>
      parentPort?.postMessage({
        error: error instanceof Error ? error.message : String(error),
      } satisfies FileWorkReply),
  );
});
