/**
 * Shell wildcards as existing clients write them (fnmatch: `*` any text, `/` included, `?` one character, `[abc]`,
 * `[!a-z]`), matched in time linear to text × pattern: hostile patterns cannot make it hang.
 */
export type Wildcard = (text: string) => boolean;

type Token =
  { kind: 'any' } | { kind: 'one' } | { kind: 'char'; char: string } | { kind: 'set'; test: (char: string) => boolean };

export function wildcard(pattern: string): Wildcard {
  const tokens = parse(pattern);
  return (text) => matches(tokens, Array.from(text));
}

function parse(pattern: string): Token[] {
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] ?? '';
    if (char === '*') {
      tokens.push({ kind: 'any' });
    } else if (char === '?') {
      tokens.push({ kind: 'one' });
    } else if (char === '[') {
      const end = setEnd(chars, at);
      if (end === -1) {
        tokens.push({ kind: 'char', char });
      } else {
        tokens.push({ kind: 'set', test: setTest(chars.slice(at + 1, end)) });
        at = end;
      }
    } else {
      tokens.push({ kind: 'char', char });
    }
  }
  return tokens;
}

/** Index of the `]` that ends the set at `start`; one right after `[` or `[!` is a member. -1 when there is none. */
function setEnd(chars: readonly string[], start: number): number {
  const first = chars[start + 1] === '!' ? start + 2 : start + 1;
  return chars.indexOf(']', first + 1);
}

function setTest(body: readonly string[]): (char: string) => boolean {
  const isNegated = body[0] === '!';
  const members = isNegated ? body.slice(1) : body;
  const ranges: [string, string][] = [];
  for (let at = 0; at < members.length; at += 1) {
    const from = members[at] ?? '';
    const to = members[at + 2];
    if (members[at + 1] === '-' && to !== undefined) {
      ranges.push([from, to]);
      at += 2;
    } else {
      ranges.push([from, from]);
    }
  }
  return (char) => ranges.some(([from, to]) => char >= from && char <= to) !== isNegated;
}

/** The classic walk with one place to fall back to: the last `*`, which then takes one character more. */
function matches(tokens: readonly Token[], text: readonly string[]): boolean {
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const current = tokens[token];
    if (current?.kind === 'any') {
      star = token;
      starAt = at;
      token += 1;
    } else if (current !== undefined && accepts(current, text[at] ?? '')) {
      token += 1;
      at += 1;
    } else if (star !== -1) {
      token = star + 1;
      starAt += 1;
      at = starAt;
    } else {
      return false;
    }
  }
  while (tokens[token]?.kind === 'any') {
    token += 1;
  }
  return token === tokens.length;
}

function accepts(token: Token, char: string): boolean {
  return (
    token.kind === 'one' || (token.kind === 'char' && token.char === char) || (token.kind === 'set' && token.test(char))
  );
}
