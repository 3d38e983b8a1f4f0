/**
 * The first items of a list, as many as `maxCount` and `maxBytes` of JSON allow, at least one: payloads are kept small, whatever
 * people write into their objects. The caller says how many were left out.
 */
export function withinBytes<T>(
  items: readonly T[],
  { maxCount, maxBytes }: { readonly maxCount: number; readonly maxBytes: number },
): readonly T[] {
  let bytes = 0;
  const end = items.slice(0, maxCount).findIndex((item, at) => {
    bytes += Buffer.byteLength(JSON.stringify(item));
    return at > 0 && bytes > maxBytes;
  });
  return items.slice(0, end < 0 ? maxCount : end);
}
