import { describe, expect, it } from 'vitest';
import { filterText } from './nouns/file.js';
import { isWanted } from './nouns/events.js';
import { parseKeyValues } from './key-values.js';
import {
  parseBytes,
  parseCount,
  parseDuration,
  parseJsonObject,
  parseList,
  parseTime,
  parseWorkflowRef,
} from './parse-options.js';

describe(parseKeyValues, () => {
  it('splits at the first colon only, so that values may hold colons', () => {
    expect(parseKeyValues(['sample:AgBeh', 'link:https://a.b:8080/c', 'empty:'])).toEqual({
      sample: 'AgBeh',
      link: 'https://a.b:8080/c',
      empty: '',
    });
  });
  it('takes keys that mean something to JavaScript as plain keys', () => {
    expect(Object.entries(parseKeyValues(['__proto__:x', 'constructor:y']))).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });
  it.each(['novalue', ':noKey'])('refuses %s and says how it is written', (text) => {
    expect(() => parseKeyValues([text])).toThrow(/key:value/);
  });
});

describe(parseTime, () => {
  it.each([
    ['2026-11-21', new Date(2026, 10, 21)],
    ['2026-11-21 08:15', new Date(2026, 10, 21, 8, 15)],
    ['2026-11-21 08:15:07', new Date(2026, 10, 21, 8, 15, 7)],
    ['2026-11-21T08:15:07.5Z', new Date(Date.UTC(2026, 10, 21, 8, 15, 7, 500))],
    ['2026-11-21T08:15+02:00', new Date(Date.UTC(2026, 10, 21, 6, 15))],
  ])('reads %s, without a zone as the time of the reader', (text, time) => {
    expect(parseTime(text)).toBe(time.toISOString());
  });
  it.each(['yesterday', '2026', '2026-13-01', '08:15', '2026-11-21T'])('refuses %s', (text) => {
    expect(() => parseTime(text)).toThrow(/is no time/);
  });
});

describe(parseBytes, () => {
  it.each([
    ['1000', 1000],
    ['500MB', 500_000_000],
    ['1.5TB', 1_500_000_000_000],
    ['200 MB/s', 200_000_000],
    ['50g', 50_000_000_000],
  ])('reads %s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });
  it.each(['', '0', '-1', 'much', '5XB', '1e3'])('refuses "%s"', (text) => {
    expect(() => parseBytes(text)).toThrow(/500MB/);
  });
});

describe(parseDuration, () => {
  it.each([
    ['90', 90],
    ['0.5s', 0.5],
    ['15m', 900],
    ['12h', 43_200],
    ['1d', 86_400],
  ])('reads %s as %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });
  it.each(['', 'soon', '-5s', '1w', '5 s'])('refuses "%s"', (text) => {
    expect(() => parseDuration(text)).toThrow(/no duration/);
  });
});

describe(parseCount, () => {
  it('takes whole numbers from one', () => {
    expect(parseCount('250')).toBe(250);
    expect(() => parseCount('0')).toThrow(/number/);
    expect(() => parseCount('1e3')).toThrow(/number/);
  });
});

describe(parseWorkflowRef, () => {
  it('splits owner and name', () => {
    expect(parseWorkflowRef('s1id/peak fit')).toEqual({ owner: 's1id', name: 'peak fit' });
  });
  it.each(['name', '/name', 'owner/'])('refuses %s', (text) => {
    expect(() => parseWorkflowRef(text)).toThrow(/OWNER\/NAME/);
  });
});

describe(parseJsonObject, () => {
  it.each(['[1]', '"a"', 'null', '{bad'])('refuses %s', (text) => {
    expect(() => parseJsonObject(text, 'filter')).toThrow(/filter/);
  });
});

describe(parseList, () => {
  it('drops blanks and empty items', () => {
    expect(parseList('transfer, catalog,,')).toEqual(['transfer', 'catalog']);
  });
});

describe(filterText, () => {
  it('is nothing without conditions', () => {
    expect(filterText([], undefined)).toBeUndefined();
  });
  it('makes pairs equalities on metadata that hold together with the filter', () => {
    expect(JSON.parse(filterText(['sample:A'], '{"sizeBytes":{"$gt":1}}') ?? '')).toEqual({
      $and: [{ 'metadata.sample': 'A' }, { sizeBytes: { $gt: 1 } }],
    });
  });
});

describe(isWanted, () => {
  it('takes exact types and whole kinds', () => {
    expect(isWanted('job.done', undefined)).toBe(true);
    expect(isWanted('job.done', ['job.*'])).toBe(true);
    expect(isWanted('jobs.done', ['job.*'])).toBe(false);
    expect(isWanted('files.done', ['files.done'])).toBe(true);
  });
});
