import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathToText, textToPath } from './path-text.js';

describe('text form of paths', () => {
  it('gives any bytes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(textToPath(pathToText(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('gives any text of a person back as the same text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (text) => {
        const shown = pathToText(Buffer.from(text, 'utf8'));
        expect(textToPath(shown).toString('utf8')).toBe(text);
      }),
    );
  });

  it('never holds a character that could break a line or a terminal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(pathToText(bytes)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });

  it.each([
    ['scan 1/größe.h5', Buffer.from('scan 1/größe.h5')],
    ['a\\x0ab', Buffer.from('a\nb')],
    ['back\\\\slash', Buffer.from('back\\slash')],
    ['\\xff\\xfe.tif', Buffer.from([0xff, 0xfe, 0x2e, 0x74, 0x69, 0x66])],
    ['😀.h5', Buffer.from('😀.h5')],
  ])('writes %s', (text, bytes) => {
    expect(pathToText(bytes)).toBe(text);
    expect(textToPath(text)).toEqual(bytes);
  });

  it('refuses an escape that it does not know', () => {
    expect(() => textToPath('a\\n')).toThrow(RangeError);
    expect(() => textToPath('a\\x4')).toThrow(RangeError);
  });
});
