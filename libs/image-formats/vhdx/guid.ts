/** The 16 bytes of a GUID as they lie in a file: the first three groups little-endian. */
export function guid(text: string): Buffer {
  const [a, b, c, d, e] = text.split('-').map((group) => Buffer.from(group, 'hex'));
  return Buffer.concat([a!.reverse(), b!.reverse(), c!.reverse(), d!, e!]);
}
