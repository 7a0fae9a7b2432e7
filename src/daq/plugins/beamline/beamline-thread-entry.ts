import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import type {
  BatchFileAnswer,
  BatchPlugin,
  BeamlineFile,
  BeamlinePlugin,
  PluginContext,
} from '../../../../config/examples/plugins/dm-plugin.js';
import { messageOf } from '../../../kernel/errors.js';
import type { FromThread, ThreadStart, ToThread } from './thread-messages.js';

const aFunction = z.custom((value) => typeof value === 'function', 'must be a function');

const pluginShape = z
  .object({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'a name is 1-64 lower-case letters, digits and dashes'),
    order: z.int().min(101, 'plug-ins run after the transfer (100)').max(100_000),
    process: aFunction.optional(),
    processBatch: aFunction.optional(),
  })
  .refine((plugin) => (plugin.process === undefined) !== (plugin.processBatch === undefined), {
    message: 'it has either process(file) or processBatch(files)',
  });

const fileAnswer = z.object({
  metadata: z.record(z.string(), z.unknown()).optional(),
  warning: z.string().optional(),
});
const batchAnswers = z.array(fileAnswer.extend({ id: z.string(), error: z.string().optional() }));

/** Entry of the thread that one plug-in of the beamline runs in. */
const start = workerData as ThreadStart;
const running = new Map<number, AbortController>();

function say(message: FromThread): void {
  parentPort?.postMessage(message);
}

try {
  const module = (await import(start.module)) as { default?: unknown };
  const parsed = pluginShape.safeParse(module.default);
  if (parsed.success) {
    serve(module.default as BeamlinePlugin);
  } else {
    const problems = parsed.error.issues.map((issue) => issue.message).join('; ');
    say({ kind: 'unusable', reason: `its default export must be { name, order, process }: ${problems}` });
  }
} catch (error) {
  say({ kind: 'unusable', reason: messageOf(error) });
}

function serve(plugin: BeamlinePlugin): void {
  const { name, order } = plugin;
  parentPort?.on('message', (message: ToThread) => {
    switch (message.kind) {
      case 'ping':
        say({ kind: 'pong' });
        break;
      case 'abort':
        running.get(message.call)?.abort();
        break;
      case 'call':
        void answer(plugin, message);
    }
  });
  say({ kind: 'ready', name, order, form: isBatch(plugin) ? 'batch' : 'file' });
}

async function answer(plugin: BeamlinePlugin, order: Extract<ToThread, { kind: 'call' }>): Promise<void> {
  const { call, files, options } = order;
  const abort = new AbortController();
  running.set(call, abort);
  try {
    const context: PluginContext = { signal: abort.signal, options };
    say({ kind: 'answered', call, answers: await answersOf(plugin, files, context) });
  } catch (error) {
    say({ kind: 'threw', call, message: messageOf(error) });
  } finally {
    running.delete(call);
  }
}

async function answersOf(
  plugin: BeamlinePlugin,
  files: readonly BeamlineFile[],
  context: PluginContext,
): Promise<BatchFileAnswer[]> {
  if (isBatch(plugin)) {
    return parsed(batchAnswers, (await plugin.processBatch(files, context)) ?? []);
  }
  const answers: BatchFileAnswer[] = [];
  for (const file of files) {
    const said = parsed(fileAnswer, (await plugin.process(file, context)) ?? {});
    answers.push({ id: file.id, ...said });
  }
  return answers;
}

/** As JSON, so that whatever a plug-in answers can cross to the station and be recorded there. */
function parsed<Schema extends z.ZodType>(schema: Schema, said: unknown): z.infer<Schema> {
  const result = schema.safeParse(said);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new Error(`its answer is none of those in dm-plugin.d.ts: ${problems}`);
  }
  return JSON.parse(JSON.stringify(result.data)) as z.infer<Schema>;
}

function isBatch(plugin: BeamlinePlugin): plugin is BatchPlugin {
  return 'processBatch' in plugin && plugin.processBatch !== undefined;
}
