import { describe, expect, it } from 'vitest';
import { readBytes } from '../../../../test/support/read-bytes.js';

describe('side files', () => {
  it.each([
    [
      'JSON by name',
      '{"energy": 12.4, "nested": {"a.b": [1, null]}}',
      'x.json',
      { energy: 12.4, nested: { 'a.b': [1, null] } },
    ],
    ['JSON by content', '\uFEFF\n [1, "two"]', 'x.dat', { content: [1, 'two'] }],
    [
      'YAML',
      'energy: 12.4\nsample: {name: Si, list: [1, 2]}\n',
      'x.YML',
      { energy: 12.4, sample: { name: 'Si', list: [1, 2] } },
    ],
    ['several YAML documents', '--- {a: 1}\n--- text\n', 'x.yaml', { content: [{ a: 1 }, 'text'] }],
    ['empty YAML', '', 'x.yaml', { content: [] }],
    ['a hostile key', '{"__proto__": {"x": 1}, "a": 1}', 'x.json', JSON.parse('{"__proto__": {"x": 1}, "a": 1}')],
  ])('%s', async (_what, text, name, raw) => {
    const found = await readBytes(text, name);
    expect(JSON.stringify(found.raw)).toBe(JSON.stringify(raw));
    expect(found.complaint).toBeNull();
  });

  it.each([
    ['broken JSON', '{"energy": 12.4', 'x.json', /^It is no valid JSON: /],
    ['broken YAML', 'a: [1, 2\nb: }', 'x.yaml', /^It is no valid YAML: /],
    ['a billion laughs', aliasBomb(), 'x.yaml', /^It is no valid YAML: Excessive alias count/],
    ['data that call themselves JSON', `[${'1,'.repeat(4_300_000)}1]`, 'x.json', /larger than 8388608 bytes/],
  ])('complains of %s', async (_what, text, name, complaint) => {
    expect((await readBytes(text, name)).complaint).toMatch(complaint);
  });

  it.each([
    ['text with a brace', '{"this is no JSON', 'notes.txt'],
    ['YAML of another name', 'a: 1', 'notes.txt'],
    ['nothing', '', 'x.h5'],
    ['binary noise', Buffer.from([0, 1, 2, 3, 255]), 'x.tif'],
  ])('knows no format for %s', async (_what, content, name) => {
    expect(await readBytes(content, name)).toMatchObject({ format: null, complaint: null });
  });
});

function aliasBomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 10; level += 1) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  return lines.join('\n');
}
