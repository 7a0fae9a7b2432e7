import { describe, expect, it } from 'vitest';
import { workflowDefinitionSchema } from '../definitions/workflow-definition.schema.js';
import { jobLookup, jobVariables } from './job-variables.js';

function texts(job: Parameters<typeof jobVariables>[0], builtIn = {}): Record<string, string> {
  return Object.fromEntries([...jobVariables(job, builtIn)].map(([name, value]) => [name, value.text]));
}

describe('jobVariables', () => {
  it('lets later sources win: facts, arguments, outputs, what the station decides', () => {
    const job = {
      facts: { a: 'fact', b: 'fact', c: 'fact', id: 'fact' },
      args: { b: 'arg', c: 'arg' },
      outputs: { c: 'output', id: 'output' },
    };
    expect(texts(job, { id: 'job' })).toEqual({ a: 'fact', b: 'arg', c: 'output', id: 'job' });
  });

  it('keeps the checked file path over one among the arguments', () => {
    expect(texts({ facts: { filePath: '/store/a.h5' }, args: { filePath: '../a.h5' }, outputs: {} })).toEqual({
      filePath: '/store/a.h5',
    });
  });

  it('writes numbers, booleans and objects as JSON does, and leaves null undefined', () => {
    const args = { n: 1.5, yes: true, list: [1, 'a b'], nothing: null, 'not-a-name': 1, empty: '' };
    expect(texts({ facts: {}, args, outputs: {} })).toEqual({ n: '1.5', yes: 'true', list: '[1,"a b"]', empty: '' });
  });

  it('takes paths in their text form and other arguments literally', () => {
    const variables = jobVariables(
      { facts: { filePath: '/d/\\xff\\\\.h5' }, args: { note: 'a\\b' }, outputs: { seen: '\\xfe' } },
      {},
    );
    expect(Buffer.from(variables.get('filePath')?.bytes ?? [])).toEqual(
      Buffer.concat([Buffer.from('/d/'), Buffer.of(0xff), Buffer.from('\\.h5')]),
    );
    expect(Buffer.from(variables.get('note')?.bytes ?? []).toString()).toBe('a\\b');
    expect(Buffer.from(variables.get('seen')?.bytes ?? [])).toEqual(Buffer.of(0xfe));
  });

  it('refuses text that no command can receive', () => {
    expect(() => jobVariables({ facts: {}, args: { x: 'a\0' }, outputs: {} }, {})).toThrow(/U\+0000/);
    expect(() => jobVariables({ facts: {}, args: { x: '\ud800' }, outputs: {} }, {})).toThrow(/surrogate/);
    expect(() => jobVariables({ facts: {}, args: { filePath: '\\z' }, outputs: {} }, {})).toThrow(/text form/);
  });
});

describe('jobLookup', () => {
  it('tells names of the job without value from names of the shell', () => {
    const definition = workflowDefinitionSchema.parse({
      name: 'w',
      arguments: { smooth: {} },
      stages: { A: { command: 'true', outputVariableRegexList: ['(?P<found>x)'] } },
    });
    const lookup = jobLookup(definition, new Map());
    expect([lookup('smooth'), lookup('found'), lookup('md5Sum'), lookup('HOME'), lookup('i')]).toEqual([
      'unset',
      'unset',
      'unset',
      'undeclared',
      'undeclared',
    ]);
  });
});
