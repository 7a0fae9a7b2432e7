import { describe, expect, it } from 'vitest';
import { declaredNames, stageSteps, workflowDefinitionSchema } from './workflow-definition.schema.js';

function problems(definition: unknown): string[] {
  const result = workflowDefinitionSchema.safeParse(definition);
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
}

const aStage = { command: 'true' };

describe('workflowDefinitionSchema', () => {
  it('keeps unknown keys of the definition and its stages', () => {
    const given = { name: 'w', x: 1, stages: { a: { command: 'true', color: 'red' } } };
    expect(workflowDefinitionSchema.parse(given)).toEqual(given);
  });

  it('names the stage and the key that are wrong', () => {
    expect(problems({ name: 'w', stages: { '010-A': { command: 5 }, '020-B': {} } })).toEqual([
      expect.stringContaining('stages.010-A.command:'),
      expect.stringContaining('stages.020-B.command:'),
    ]);
    expect(
      problems({ name: 'w', stages: { A: { command: 'x', outputVariableRegexList: ['(?P<a>x)(?=y)'] } } }),
    ).toEqual([expect.stringMatching(/^stages\.A\.outputVariableRegexList\.0: .*look-around/)]);
    expect(problems({ name: 'w', stages: { A: { command: 'x', runIf: 'a ==' } } })).toEqual([
      expect.stringMatching(/^stages\.A\.runIf: /),
    ]);
  });

  it('wants the repeat keys together', () => {
    expect(problems({ name: 'w', stages: { A: { ...aStage, maxRepeats: 2 } } })).toEqual([
      expect.stringContaining('used together'),
    ]);
  });

  it('refuses keys that it cannot honour rather than ignoring them', () => {
    expect(problems({ name: 'w', stages: { A: { ...aStage, parallelExec: true } } })).toEqual([
      expect.stringContaining('STAGE_KEY_NOT_SUPPORTED_YET'),
    ]);
    expect(problems({ name: 'w', stages: { A: { ...aStage, parallelExec: false } } })).toEqual([]);
  });

  it('refuses no stages, the reserved name, and results outside the working directory', () => {
    expect(problems({ name: 'w', stages: {} })).toHaveLength(1);
    expect(problems({ name: 'w', stages: { workflow: aStage } })).toHaveLength(1);
    expect(problems({ name: 'w', stages: { A: aStage }, results: { directory: '../elsewhere' } })).toHaveLength(1);
    expect(problems({ name: 'w', stages: { A: aStage }, results: { destDirectory: '/etc' } })).toHaveLength(1);
  });
});

describe('stageSteps', () => {
  it('runs stages in plain string order of their keys, also of keys that look like numbers', () => {
    const stages = Object.fromEntries(['9', '10', 'b', 'A', '\u{1F600}', '\uFFFD'].map((key) => [key, aStage]));
    expect(stageSteps({ stages }).map((step) => step.key)).toEqual(['10', '9', 'A', 'b', '\uFFFD', '\u{1F600}']);
  });
});

describe('declaredNames', () => {
  it('knows arguments and output variables', () => {
    const definition = workflowDefinitionSchema.parse({
      name: 'w',
      arguments: { smooth: { required: false } },
      stages: { A: { ...aStage, outputVariableRegexList: ['(?P<n>\\d+) (?P<m>\\d+)'] } },
    });
    expect([...declaredNames(definition)]).toEqual(['smooth', 'n', 'm']);
  });
});
