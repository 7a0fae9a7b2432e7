import { z } from 'zod';
import { pageQuery } from '../../platform/http/index.js';
import { workflowName } from '../definitions/workflow-definition.schema.js';
import { JOB_STATUSES } from './job.js';

const MAX_ARGUMENTS = 200;
const MAX_ARGUMENT_CHARACTERS = 65_536;

const argumentsSchema = z
  .record(z.string().min(1).max(200), z.unknown())
  .refine((args) => !('workflow' in args), 'an argument must not be called "workflow"')
  .refine((args) => Object.keys(args).length <= MAX_ARGUMENTS, `at most ${MAX_ARGUMENTS} arguments`)
  .refine(
    (args) => JSON.stringify(args).length <= MAX_ARGUMENT_CHARACTERS,
    `all arguments together must be shorter than ${MAX_ARGUMENT_CHARACTERS} characters; pass large input as a file`,
  );

export const startJobSchema = z
  .strictObject({
    workflow: z.strictObject({ owner: workflowName, name: workflowName }),
    /** Membership of it lets one start jobs; without it that takes the station manager. */
    experiment: z.string().min(1).max(255).optional(),
    /** Whose job it is; default: the caller. Naming another takes the station manager. */
    owner: workflowName.optional(),
    /** Available to commands as `$name`. `filePath`: absolute, or relative to the experiment's directory; in text form. */
    args: argumentsSchema.default({}),
    /** The same key again answers the first job instead of making another: a start that may have failed can be repeated. */
    requestKey: z.string().min(1).max(200).optional(),
  })
  .meta({
    example: {
      workflow: { owner: 'admin', name: 'inventory' },
      experiment: 'demo-exp',
      args: { filePath: 'data/scan1/a.h5', smooth: 3 },
    },
  });

export type StartJob = z.infer<typeof startJobSchema>;

export const jobListQuery = pageQuery.extend({
  status: z.enum(JOB_STATUSES).optional(),
  /** `name`, or `owner/name`. */
  workflow: z.string().max(300).optional(),
  owner: workflowName.optional(),
  experiment: z.string().max(255).optional(),
});

export type JobListQuery = z.infer<typeof jobListQuery>;

export const jobIdParam = z.uuid('a job id is a UUID');
