import { declaredNames, type WorkflowDefinition } from '../definitions/workflow-definition.schema.js';
import type { Lookup } from '../substitution/command-rewriter.js';
import {
  type Variable,
  VARIABLE_NAME,
  variableFromArgument,
  variableFromPathText,
  variableFromText,
} from '../substitution/variable.js';
import type { Job } from './job.js';

/** Variables that the station provides where it knows them; a command may count on the names. */
export const STATION_VARIABLES: ReadonlySet<string> = new Set([
  'id',
  'stage',
  'owner',
  'workDirectory',
  'resultsDirectory',
  'stationName',
  'experimentName',
  'storageDirectory',
  'dataDirectory',
  'dataDir',
  'analysisDirectory',
  'filePath',
  'experimentFilePath',
  'fileName',
  'sourcePath',
  'fileSize',
  'md5Sum',
  'fileVersion',
]);

/**
 * Everything that a command of this stage can refer to. Later ones win: facts, then arguments given by a person, then
 * output variables of earlier stages, then what the station alone decides (dm-interfaces 5.4).
 */
export function jobVariables(
  job: Pick<Job, 'facts' | 'args' | 'outputs'>,
  builtIn: Readonly<Record<string, string>>,
): Map<string, Variable> {
  const variables = new Map<string, Variable>();
  const given: Record<string, unknown> = { ...job.facts, ...job.args };
  if (job.facts['filePath'] !== undefined) {
    // The fact is absolute and checked; a relative or other path among the arguments must not hide it.
    given['filePath'] = job.facts['filePath'];
  }
  for (const [name, value] of Object.entries(given)) {
    const variable = VARIABLE_NAME.test(name) ? variableFromArgument(name, value) : undefined;
    if (variable !== undefined) {
      variables.set(name, variable);
    }
  }
  for (const [name, text] of Object.entries(job.outputs)) {
    variables.set(name, variableFromPathText(text, name));
  }
  for (const [name, text] of Object.entries(builtIn)) {
    variables.set(name, variableFromText(text));
  }
  return variables;
}

/** Tells the names of this job and workflow from those of the shell. */
export function jobLookup(definition: WorkflowDefinition, variables: ReadonlyMap<string, Variable>): Lookup {
  const declared = declaredNames(definition);
  return (name) => variables.get(name) ?? (declared.has(name) || STATION_VARIABLES.has(name) ? 'unset' : 'undeclared');
}
