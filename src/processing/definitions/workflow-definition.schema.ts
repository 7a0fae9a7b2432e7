import { userInfo } from 'node:os';
import { z } from 'zod';
import { messageOf } from '../../kernel/errors.js';
import { parseCondition } from '../substitution/condition.js';
import { VARIABLE_NAME } from '../substitution/variable.js';
import { compileOutputPattern, RESERVED_NAMES } from './output-pattern.js';
import { inStageOrder } from './stage-order.js';

const MAX_STAGES = 500;
const MAX_COMMAND_CHARACTERS = 100_000;

/** Keys that a later version of the station honours; a definition that needs them must not run without them. */
const NOT_YET = new Set(['parallelExec', 'dependsOn', 'retry', 'timeout', 'resources', 'launcher']);

const plainText = z.string().refine((text) => !text.includes('\0') && text.isWellFormed(), {
  message: 'must not hold U+0000 or half of a surrogate pair',
});

/** Owner and name stand in URLs, file names and messages. */
export const workflowName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@ +-]{0,127}$/,
    'must be 1-128 letters, digits, blanks or . _ @ + -, and begin with a letter or digit',
  );

const relativeDirectory = plainText
  .min(1)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), 'must be a relative path without ".."');

const outputPattern = plainText.superRefine((source, context) => {
  try {
    compileOutputPattern(source);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

const condition = plainText.superRefine((source, context) => {
  try {
    parseCondition(source);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

export const stageSchema = z
  .looseObject({
    /** Shell command with `$variables`. */
    command: plainText.min(1, 'the command is empty').max(MAX_COMMAND_CHARACTERS),
    /** Where the command runs; relative to the job's own working directory, which is the default. Takes `$variables`. */
    workingDir: plainText.min(1).nullish(),
    /** Python regular expressions; each named group becomes a variable of later stages. */
    outputVariableRegexList: z.array(outputPattern).max(100).optional(),
    /** The stage is skipped when this is false. */
    runIf: condition.optional(),
    /** The stage runs again every `repeatPeriod` seconds until `repeatUntil` is true; it fails after `maxRepeats` runs. */
    repeatPeriod: z.number().min(0).optional(),
    repeatUntil: condition.optional(),
    maxRepeats: z.int().min(1).optional(),
  })
  .superRefine((stage, context) => {
    const repeatKeys = [stage.repeatPeriod, stage.repeatUntil, stage.maxRepeats].filter((value) => value !== undefined);
    if (repeatKeys.length !== 0 && repeatKeys.length !== 3) {
      context.addIssue({ code: 'custom', message: 'repeatPeriod, repeatUntil and maxRepeats must be used together' });
    }
    for (const key of Object.keys(stage).filter(
      (name) => NOT_YET.has(name) && stage[name] !== false && stage[name] !== null,
    )) {
      context.addIssue({
        code: 'custom',
        path: [key],
        message: `STAGE_KEY_NOT_SUPPORTED_YET: this station does not know how to honour "${key}"`,
      });
    }
  });

const stagesSchema = z
  .record(plainText.min(1).max(200), stageSchema)
  .refine((stages) => Object.keys(stages).length > 0, 'there must be at least one stage')
  .refine((stages) => Object.keys(stages).length <= MAX_STAGES, `there must be at most ${MAX_STAGES} stages`)
  .refine(
    (stages) => !Object.keys(stages).some((key) => RESERVED_NAMES.has(key)),
    'a stage must not be called "workflow"',
  );

const argumentSchema = z.looseObject({
  required: z.boolean().optional(),
  choices: z.array(z.unknown()).optional(),
  type: z.string().optional(),
});

const argumentsSchema = z
  .record(z.string().regex(VARIABLE_NAME, 'an argument is a name such as smooth_width'), argumentSchema)
  .refine(
    (declared) => !Object.keys(declared).some((name) => RESERVED_NAMES.has(name)),
    'an argument must not be called "workflow"',
  );

/** What a job leaves behind for the experiment. */
const resultsSchema = z.looseObject({
  /** Below the job's working directory (`DM_RESULTS_DIRECTORY` in stages); every file in it after the last stage is a result. */
  directory: relativeDirectory.default('results'),
  /** Where the results go, below the experiment's analysis directory. Takes `$variables`. */
  destDirectory: relativeDirectory.optional(),
});

const exampleDefinition = {
  name: 'inventory',
  description: 'Notes size and digest of a file, and stores the note in the experiment',
  stages: {
    '010-DIGEST': { command: 'md5sum < "$filePath"', outputVariableRegexList: ['(?P<digest>[0-9a-f]{32})'] },
    '020-NOTE': { command: 'echo "$experimentFilePath $fileSize $digest" > "$resultsDirectory/$id.txt"' },
  },
  results: { directory: 'results', destDirectory: 'inventory' },
};

/** A workflow definition (dm-interfaces 5.1, 5.3). Unknown keys are kept as they are. */
export const workflowDefinitionSchema = z
  .looseObject({
    name: workflowName,
    /** Default: whoever creates it. */
    owner: workflowName.optional(),
    description: plainText.max(10_000).optional(),
    version: z.union([z.int(), plainText.max(100)]).optional(),
    /** The account that commands run as: so far only the station's own. */
    userAccount: plainText
      .max(100)
      .refine((account) => account === userInfo().username, {
        message: "USER_ACCOUNT_NOT_SUPPORTED_YET: stages run under the station's own account; leave out userAccount",
      })
      .nullish(),
    arguments: argumentsSchema.optional(),
    /** Whether files that a job produced may start this workflow. */
    acceptsJobOutput: z.boolean().optional(),
    results: resultsSchema.optional(),
    stages: stagesSchema,
  })
  .meta({ example: exampleDefinition });

export type WorkflowDefinition = z.infer<typeof workflowDefinitionSchema>;
export type StageDefinition = z.infer<typeof stageSchema>;

export interface StageStep {
  key: string;
  stage: StageDefinition;
}

/** The stages in the order in which they run. */
export function stageSteps(definition: Pick<WorkflowDefinition, 'stages'>): StageStep[] {
  return inStageOrder(Object.keys(definition.stages)).flatMap((key) => {
    const stage = definition.stages[key];
    return stage === undefined ? [] : [{ key, stage }];
  });
}

/** Names that a command of this workflow may expect: declared arguments and the output variables of all its stages. */
export function declaredNames(definition: WorkflowDefinition): Set<string> {
  const names = new Set(Object.keys(definition.arguments ?? {}));
  for (const { stage } of stageSteps(definition)) {
    for (const pattern of stage.outputVariableRegexList ?? []) {
      compileOutputPattern(pattern).groups.forEach((group) => names.add(group));
    }
  }
  return names;
}
