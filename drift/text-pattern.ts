/** Tells whether a text fits a pattern. */
export type TextTest = (text: string) => boolean;

/** A character, any one character, or any number of them. */
type Token = string | typeof ONE | typeof ANY;

const ONE = Symbol('one');
const ANY = Symbol('any');
/** Patterns are short names with a wildcard or two; a limit, because matching costs pattern times text. */
const MAX_PATTERN_LENGTH = 256;
/** What regular expressions can say and these patterns cannot: refused instead of taken literally. */
const UNSUPPORTED = new Set(['(', ')', '[', ']', '{', '}', '|', '+', '?', '*']);

/** `prod-*`: the whole text, `*` standing for any number of characters and `?` for one. Throws a SyntaxError. */
export function compileGlob(glob: string): TextTest {
  checkLength(glob);
  const tokens = [...glob].map((char) => (char === '*' ? ANY : char === '?' ? ONE : char));
  return matcher(tokens);
}

/**
 * The part of regular expressions that names need, matched in linear space without backtracking beyond the last `.*`: `^` and
 * `$`, `.`, `.*`, and `\` before a character that stands for itself. Throws a SyntaxError for everything else.
 */
export function compileTextPattern(pattern: string): TextTest {
  checkLength(pattern);
  const isAnchored = pattern.startsWith('^');
  const chars = [...pattern];
  const tokens: Token[] = isAnchored ? [] : [ANY];
  let isClosed = false;
  for (let at = isAnchored ? 1 : 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '$' && at === chars.length - 1) isClosed = true;
    else if (char === '.') {
      const isMany = chars[at + 1] === '*';
      tokens.push(isMany ? ANY : ONE);
      if (isMany) at++;
    } else if (char === '\\') {
      at++;
      const escaped = chars[at];
      if (escaped === undefined || /[A-Za-z0-9]/.test(escaped)) throw unsupported(pattern, '\\');
      tokens.push(escaped);
    } else if (UNSUPPORTED.has(char) || char === '^' || char === '$') {
      throw unsupported(pattern, char);
    } else tokens.push(char);
  }
  if (!isClosed) tokens.push(ANY);
  return matcher(tokens);
}

function checkLength(pattern: string): void {
  if (pattern === '') throw new SyntaxError('a pattern must not be empty');
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new SyntaxError(`the pattern is longer than ${MAX_PATTERN_LENGTH} characters`);
  }
}

function unsupported(pattern: string, char: string): SyntaxError {
  return new SyntaxError(
    `pattern "${pattern}": "${char}" is not supported here; patterns know ^ $ . .* and \\ before a sign`,
  );
}

/** Two positions and one way back: after a second `*` the first never has to be tried again. */
function matcher(tokens: readonly Token[]): TextTest {
  return (text) => {
    let token = 0;
    let char = 0;
    let backToken = -1;
    let backChar = 0;
    while (char < text.length) {
      const wanted = tokens[token];
      if (wanted === ANY) {
        backToken = token++;
        backChar = char;
      } else if (wanted === ONE || (wanted !== undefined && wanted === text[char])) {
        token++;
        char++;
      } else if (backToken >= 0) {
        token = backToken + 1;
        char = ++backChar;
      } else return false;
    }
    while (tokens[token] === ANY) token++;
    return token === tokens.length;
  };
}
