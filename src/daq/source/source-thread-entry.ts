import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../kernel/errors.js';
import { SourceAnswers } from './source-answers.js';
import type { SourceQuestion, SourceReply, SourceThreadData } from './source-thread.protocol.js';

const { beats } = workerData as SourceThreadData;
let serving: SourceAnswers | undefined;

/** The thread of one source at a time: whatever hangs here hangs for nobody else. */
parentPort?.on('message', (question: SourceQuestion) => {
  answer(question).then(
    (reply) => send({ id: question.id, answer: reply }),
    (error: unknown) => send({ id: question.id, error: messageOf(error) }),
  );
});

async function answer(question: SourceQuestion): Promise<unknown> {
  if (question.kind === 'serve') {
    serving?.end();
    serving = new SourceAnswers(question.source, beats);
    return null;
  }
  return serving?.answer(question);
}

function send(reply: SourceReply): void {
  parentPort?.postMessage(reply);
}
