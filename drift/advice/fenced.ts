/** A value that is long enough to understand and too short to fill the prompt. */
const MAX_VALUE_LENGTH = 300;
const MAX_FENCED_LENGTH = 24_000;

/**
 * Untrusted data inside a prompt. Everything that could end the fence is escaped, so whatever a value says, it is said inside; values
 * are cut, and so is the whole.
 */
export function fenced(tag: string, data: object): string {
  const text = JSON.stringify(data, (_key, value: unknown) => cut(value), 1)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e');
  const whole =
    text.length <= MAX_FENCED_LENGTH ? text : `${text.slice(0, MAX_FENCED_LENGTH)} (cut here)`;
  return `<${tag}>\n${whole}\n</${tag}>`;
}

function cut(value: unknown): unknown {
  if (typeof value !== 'string' || value.length <= MAX_VALUE_LENGTH) return value;
  return `${value.slice(0, MAX_VALUE_LENGTH)}… (${value.length} characters)`;
}
