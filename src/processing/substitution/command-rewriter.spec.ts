import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewriteCommand, type Lookup } from './command-rewriter.js';
import { stageScript } from './stage-script.js';
import { variableFromBytes, variableFromText, type Variable } from './variable.js';

/** `/bin/sh` is one of the other two on most systems. */
const SHELLS = [...new Set(['/bin/dash', '/bin/bash', '/bin/sh'].map((path) => realpathSync(path)))];

/** What a hostile or unlucky colleague calls a file. Each would touch `pwned` or lose a byte if it were ever parsed. */
const HOSTILE: Record<string, Buffer> = {
  'the classic': Buffer.from('a; touch pwned; rm -rf ~ $(touch pwned).tif'),
  'backquotes and pipes': Buffer.from('`touch pwned`|touch pwned&touch pwned'),
  'both quotes': Buffer.from(`it's "quoted" '"'"' \\' \\"`),
  'a closing quote and a command': Buffer.from(`'; touch pwned; '`),
  'a closing double quote and a command': Buffer.from(`"; touch pwned; "`),
  newlines: Buffer.from('line1\ntouch pwned\nDM_HERE\nEOF\n'),
  'invalid UTF-8 and every odd byte': Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1)),
  'a leading dash': Buffer.from('-rf'),
  globs: Buffer.from('*?[a-z]{a,b}~'),
  'dollar signs': Buffer.from('$HOME ${HOME} $((1+1)) $x $$ $1'),
  backslashes: Buffer.from('\\n \\\\ \\'),
  'blanks at the ends': Buffer.from('  a\tb  '),
  'a comment': Buffer.from('# not a comment'),
  emoji: Buffer.from('Messung 🧪 № 5.h5'),
};

/** Templates that print the value of $x, wherever it stands; `%` in the result marks what surrounds it. */
const PLACES: Record<string, { template: string; result?: (value: Buffer) => Buffer; notIn?: string }> = {
  bare: { template: `printf %s $x` },
  'bare, in braces': { template: 'printf %s ${x}' },
  'glued to a word': { template: `printf %s pre$x/post`, result: (v) => around('pre', v, '/post') },
  'double quotes': { template: `printf %s "$x"` },
  'double quotes, glued': { template: `printf %s "pre\${x}post"`, result: (v) => around('pre', v, 'post') },
  'single quotes': { template: `printf %s '$x'` },
  'single quotes, glued': { template: `printf %s 'pre "$x" post'`, result: (v) => around('pre "', v, '" post') },
  'command substitution': { template: `printf %s "$(printf %s. $x)"`, result: (v) => around('', v, '.') },
  'double quotes in a substitution in double quotes': {
    template: `printf %s "$(printf %s. "$x")"`,
    result: (v) => around('', v, '.'),
  },
  'single quotes in a substitution': { template: `printf %s "$(printf %s. '$x')"`, result: (v) => around('', v, '.') },
  backquotes: { template: 'printf %s "`printf %s. $x`"', result: (v) => around('', v, '.') },
  'nested backquotes': {
    template: 'printf %s "`printf %s. \\`printf %s. \\"$x\\"\\``"',
    result: undefined,
    notIn: 'nested',
  },
  'single quotes in backquotes': { template: 'printf %s "`printf %s. \'$x\'`"', result: (v) => around('', v, '.') },
  'a here-document': { template: 'cat <<EOF\n<$x>\nEOF\n', result: (v) => around('<', v, '>\n') },
  'a here-document with a quoted end': {
    template: "cat <<'EOF'\n<$x> $notours \\ `\nEOF\n",
    result: (v) => around('<', v, '> $notours \\ `\n'),
  },
  'a here-document in a substitution': {
    template: 'printf %s "$(cat <<EOF\n<$x>\nEOF\n)"',
    result: (v) => around('<', v, '>'),
  },
  'a variable of the script': { template: 'y=$x; printf %s "$y"' },
  'a default': { template: 'printf %s ${x:-none}' },
  'a default in double quotes': { template: 'printf %s "${x:-none}"' },
  'a subject of case': { template: 'case $x in nope) ;; *) printf %s "$x";; esac' },
  'after case in a substitution': {
    template: 'printf %s "$(case a in a) printf %s. $x;; esac)"',
    result: (v) => around('', v, '.'),
  },
  'after an apostrophe in a comment': { template: "# don't stop\nprintf %s $x" },
  'after a hash that is no comment': { template: `printf %s 'a#b' $x`, result: (v) => around('a#b', v, '') },
  'a subshell': { template: '( printf %s $x )' },
  'a loop': { template: 'for f in $x; do printf %s "$f"; done' },
  'a function': { template: 'f() { printf %s "$1"; }; f $x' },
};

/** Pieces of shell of which random templates are made, most of them unbalanced. */
const FRAGMENTS = [
  ...[
    '$x',
    '${x}',
    '${x:-',
    '${x%',
    '${#x}',
    '$x',
    '"',
    "'",
    '`',
    '$(',
    ')',
    '(',
    '$((',
    '))',
    '((',
    '}',
    '{',
    ' ',
    '\n',
  ],
  ...[';', 'echo ', 'cat <<EOF\n', "cat <<'EOF'\n", 'cat <<-"EOF"\n', '\nEOF\n', '\\', '#', "$'", 'case a in ', 'a) '],
  ...[';; ', 'esac', '[[ a == ', ' ]]', 'y=', '|', '+1', '<<<', '>', 'f() { ', '$"', 'for i in ', '; do ', 'done'],
];

/** Values that would leave a file behind if any part of them ever ran. */
const ATTACKS = [
  ...[
    '$(touch pwned)',
    '`touch pwned`',
    'a[$(touch pwned)]',
    '; touch pwned;',
    '"; touch pwned; "',
    "'; touch pwned; '",
  ],
  ...['\nEOF\ntouch pwned\n', '}; touch pwned; {', '); touch pwned; (', '))\ntouch pwned\n'],
];

function around(before: string, value: Buffer, after: string): Buffer {
  return Buffer.concat([Buffer.from(before), value, Buffer.from(after)]);
}

describe('rewriteCommand through real shells', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'dm-rewrite-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function run(shell: string, template: string, variables: Record<string, Variable>): Buffer {
    const lookup: Lookup = (name) => variables[name] ?? 'undeclared';
    const command = rewriteCommand(template, lookup);
    expect(command.problems).toEqual([]);
    const file = join(directory, 'command.sh');
    const work = mkdtempSync(join(directory, 'work-'));
    writeFileSync(file, stageScript(command, new Map(Object.entries(variables)), Buffer.from(work)));
    const output = execFileSync(shell, [file], {
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(readdirSync(work)).toEqual([]);
    return output;
  }

  for (const shell of SHELLS) {
    describe(shell, () => {
      for (const [place, { template, result, notIn }] of Object.entries(PLACES)) {
        it(`hands over every hostile name as one word: ${place}`, () => {
          for (const [kind, value] of Object.entries(HOSTILE)) {
            const expected = notIn === 'nested' ? nestedResult(value) : (result?.(value) ?? value);
            const output = run(shell, template, { x: variableFromBytes(value) });
            expect({ kind, output: output.toString('latin1') }).toEqual({ kind, output: expected.toString('latin1') });
          }
        });
      }
    });
  }

  /** Unquoted command substitution inside: the shell itself splits there, as it does without us. Only safety counts. */
  function nestedResult(value: Buffer): Buffer {
    return run('/bin/dash', 'printf %s "$(printf %s. $(printf %s. "$x"))"', { x: variableFromBytes(value) });
  }

  it('keeps arbitrary bytes in arbitrary places (random)', () => {
    const values = fc
      .uint8Array({ minLength: 0, maxLength: 40 })
      .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0)));
    const places = fc.constantFrom(
      ...Object.values(PLACES).filter((place) => place.notIn === undefined && place.template.indexOf(':-') === -1),
    );
    fc.assert(
      fc.property(values, places, fc.constantFrom('/bin/dash', '/bin/bash'), (value, place, shell) => {
        const output = run(shell, place.template, { x: variableFromBytes(value) });
        expect(output.toString('latin1')).toBe((place.result?.(value) ?? value).toString('latin1'));
      }),
      { numRuns: 150 },
    );
  });

  it('never runs a value, however broken the template is (random)', () => {
    const text = fc
      .array(fc.constantFrom(...FRAGMENTS), { minLength: 2, maxLength: 14 })
      .map((parts) => parts.join(''));
    const shells = fc.constantFrom('/bin/dash', '/bin/bash');
    fc.assert(
      fc.property(text, fc.constantFrom(...ATTACKS), shells, (template, attack, shell) => {
        const value = variableFromText(attack);
        const command = rewriteCommand(template, (name) => (name === 'x' ? value : 'undeclared'));
        if (command.problems.length > 0) {
          return;
        }
        const work = mkdtempSync(join(directory, 'work-'));
        const file = join(directory, 'command.sh');
        writeFileSync(file, stageScript(command, new Map([['x', value]]), Buffer.from(work)));
        spawnSync(shell, [file], { env: { PATH: '/usr/bin:/bin' }, stdio: 'ignore', timeout: 5000 });
        expect(readdirSync(work)).not.toContain('pwned');
      }),
      { numRuns: 120 },
    );
  });

  it('leaves everything that is not a job variable to the shell', () => {
    const template = `set -- a b; for f in 1 2; do printf '%s ' $f; done; printf '%s ' "$1" $# $? "$(echo sub)" \`echo back\` $((1+1)) "$LANG" '$f' \\$f; awk 'BEGIN { n = 5; print n }'`;
    expect(run('/bin/dash', template, {}).toString()).toBe('1 2 a 2 0 sub back 2 C.UTF-8 $f $f 5\n');
  });

  it('calculates with integers', () => {
    expect(run('/bin/dash', 'echo $(( $x * 2 + ${x} ))', { x: variableFromText('7') }).toString()).toBe('21\n');
  });

  it('strips suffixes as the shell does', () => {
    expect(run('/bin/dash', 'printf %s ${x%.h5}.png', { x: variableFromText('a b.h5') }).toString()).toBe('a b.png');
  });
});

describe('rewriteCommand', () => {
  const value = variableFromText("it's");
  const lookup: Lookup = (name) => (name === 'x' ? value : name === 'gone' ? 'unset' : 'undeclared');

  it('refuses a value that is no integer in an arithmetic expression', () => {
    const hostile: Lookup = () => variableFromText('a[$(touch pwned)]');
    expect(rewriteCommand('echo $(( $x + 1 ))', hostile).problems).toEqual([
      '$x stands in an arithmetic expression, but its value is not an integer: a[$(touch pwned)]',
    ]);
    expect(rewriteCommand('(( n = x + ${x:-1} ))', hostile).problems).toHaveLength(1);
  });

  it('adds no word for a declared variable without a value', () => {
    expect(rewriteCommand(`cmd $gone "$gone" '$gone' --a=$gone`, lookup).script).toBe(`cmd  "" '' --a=`);
  });

  it('shows the command as a person would have typed it', () => {
    expect(rewriteCommand(`cmd $x "$x" '$x' $other`, lookup).shown).toBe(`cmd 'it'\\''s' "it's" 'it'\\''s' $other`);
  });

  it('does not touch a command without job variables', () => {
    const commands = [
      'echo "unterminated',
      "echo 'unterminated",
      'echo `unterminated',
      'cat <<EOF\nno end',
      'echo $(',
      'a $',
      '${',
      '${x',
      'echo $((1',
    ];
    for (const command of commands.filter((text) => !text.includes('${x'))) {
      expect(rewriteCommand(command, lookup).script).toBe(command);
    }
  });

  it('comes to an end on any text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(...`$x{}()'"\`\\<- \nEO#;ca`, 'case ', 'esac', '<<EOF\n', '$((', '${x:-'),
          maxLength: 60,
        }),
        (text) => {
          const { script, shown } = rewriteCommand(text, () => 'undeclared');
          expect(script).toBe(text);
          expect(shown).toBe(text);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
