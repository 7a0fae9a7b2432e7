import { z } from 'zod';
import { pageQuery } from '../platform/http/index.js';
import { experimentNameProblem, rootPathProblem } from './experiment-name.js';

function text(problemOf: (text: string) => string | null) {
  return z.string().superRefine((value, context) => {
    const problem = problemOf(value);
    if (problem !== null) {
      context.addIssue({ code: 'custom', message: problem });
    }
  });
}

/** What an experiment may be called. */
export const experimentName = text(experimentNameProblem);

/** In paths: any text, for an unknown experiment is a 404 and not a malformed request. */
export const experimentNameParam = z.string().min(1).max(256).meta({ example: 'smith-2026-3' });

export const usernameParam = z.string().min(1).max(256).meta({ example: 'jdoe' });

/** A day (its midnight in UTC) or a moment with its offset; kept and answered in UTC. */
const moment = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'must be a date such as 2026-11-20 or a time such as 2026-11-20T08:00:00Z',
  })
  .transform((value) => new Date(value).toISOString());

const typeName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/, 'must be 1-64 letters, digits, blanks, dots, dashes or underscores');
/** PostgreSQL cannot keep U+0000 in a text. */
const description = z
  .string()
  .max(10_000)
  .refine((value) => !value.includes('\u0000'), { message: 'must not hold U+0000' });

export const createExperimentSchema = z
  .strictObject({
    name: experimentName,
    type: typeName.optional(),
    description: description.optional(),
    rootPath: text(rootPathProblem).nullish(),
    startDate: moment.nullish(),
    endDate: moment.nullish(),
  })
  .meta({
    example: {
      name: 'smith-2026-3',
      type: 'IMAGING',
      description: 'Cracks in battery cathodes under load',
      rootPath: '2026-3',
      startDate: '2026-11-20',
      endDate: '2026-11-24T08:00:00-06:00',
    },
  });

export const updateExperimentSchema = z
  .strictObject({
    type: typeName.optional(),
    description: description.optional(),
    startDate: moment.nullish(),
    endDate: moment.nullish(),
  })
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), {
    message: 'give at least one of type, description, startDate, endDate',
  })
  .meta({ example: { description: 'Cracks in battery cathodes, second run', endDate: '2026-11-26' } });

export const listExperimentsQuery = pageQuery.extend({
  /** Part of the name, without regard to case. */
  name: z
    .string()
    .max(100)
    .regex(/^[A-Za-z0-9._-]*$/, 'must be letters, digits, dots, dashes or underscores, as names are')
    .optional(),
});

export const deleteExperimentQuery = z.object({
  /** Also when there are files; they move to `.removed` and are never deleted. */
  force: z.enum(['true', 'false']).default('false'),
});

export const memberSchema = z.strictObject({ role: z.enum(['User', 'PI']) }).meta({ example: { role: 'PI' } });

export const createTypeSchema = z
  .strictObject({ name: typeName, description: description.optional() })
  .meta({ example: { name: 'OPERANDO', description: 'Measurements while the sample works' } });

export const experimentSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    stationName: z.string(),
    rootPath: z.string().nullable(),
    type: z.string(),
    description: z.string(),
    startDate: z.string().nullable(),
    endDate: z.string().nullable(),
    storageDirectory: z.string(),
    dataDirectory: z.string(),
    analysisDirectory: z.string(),
    systemDirectory: z.string(),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({
    example: {
      id: 17,
      name: 'smith-2026-3',
      stationName: '99IDZ',
      rootPath: '2026-3',
      type: 'IMAGING',
      description: 'Cracks in battery cathodes under load',
      startDate: '2026-11-20T00:00:00.000Z',
      endDate: '2026-11-24T14:00:00.000Z',
      storageDirectory: '/store/99IDZ/2026-3/smith-2026-3',
      dataDirectory: '/store/99IDZ/2026-3/smith-2026-3/data',
      analysisDirectory: '/store/99IDZ/2026-3/smith-2026-3/analysis',
      systemDirectory: '/store/99IDZ/2026-3/smith-2026-3/system',
      createdAt: '2026-11-19T09:00:00.000Z',
      updatedAt: '2026-11-19T09:00:00.000Z',
    },
  });

export type CreateExperiment = z.infer<typeof createExperimentSchema>;
export type UpdateExperiment = z.infer<typeof updateExperimentSchema>;
export type ListExperiments = z.infer<typeof listExperimentsQuery>;
export type DeleteExperiment = z.infer<typeof deleteExperimentQuery>;
export type MemberBody = z.infer<typeof memberSchema>;
export type CreateType = z.infer<typeof createTypeSchema>;
