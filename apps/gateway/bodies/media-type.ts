/** What a client sent as `Content-Type`, in lower case; `charset` and `boundary` where they were given. */
export interface MediaType {
  type: string;
  charset?: string;
  boundary?: string;
}

const PARAMETER = /;\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g;

export function parseMediaType(header: string | undefined): MediaType | undefined {
  const type = header?.split(';', 1)[0]?.trim().toLowerCase();
  if (!header || !type) return undefined;
  const parsed: MediaType = { type };
  for (const [, name = '', quoted, plain] of header.matchAll(PARAMETER)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
    if (name.toLowerCase() === 'charset') parsed.charset ??= value.toLowerCase();
    if (name.toLowerCase() === 'boundary') parsed.boundary ??= value;
  }
  return parsed;
}
