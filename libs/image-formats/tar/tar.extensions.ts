import { invalid } from '../refusal.js';
import { type TarHeader } from './tar.header.js';

/** Go's reader takes no extension larger than this either. */
export const MAX_EXTENSION_BYTES = 2 ** 20;

/** In front of an extended attribute's name in a pax record. */
export const XATTR = 'SCHILY.xattr.';

/** What the extension headers before an entry say of it. */
export interface TarExtensions {
  pax?: Map<string, string>;
  xattrs?: Map<string, Buffer>;
  longName?: string;
  longLink?: string;
}

/** Whether the body of this entry extends the header of the next. */
export const isExtension = (header: TarHeader): boolean => 'xgLK'.includes(header.flag);

/** Takes in one extension. Throws CONTENT_INVALID for what two readers could understand in two ways. */
export function addExtension(extensions: TarExtensions, header: TarHeader, body: Buffer): void {
  if (header.flag === 'L') extensions.longName = untilNul(body);
  else if (header.flag === 'K') extensions.longLink = untilNul(body);
  else if (header.flag === 'x') Object.assign(extensions, parsePax(body));
  else if ([...parsePax(body).pax.keys()].some((key) => key !== 'comment')) {
    throw invalid('the tar archive has a global header that changes its entries, which tools read differently');
  }
}

export function applyExtensions(header: TarHeader, { pax, xattrs, longName, longLink }: TarExtensions): TarHeader {
  if (pax && (longName !== undefined || longLink !== undefined)) {
    throw invalid('the tar archive names one entry in two ways, which tools read differently');
  }
  return {
    ...header,
    name: longName ?? pax?.get('GNU.sparse.name') ?? pax?.get('path') ?? header.name,
    linkname: longLink ?? pax?.get('linkpath') ?? header.linkname,
    size: header.type === 'file' || header.type === 'other' ? (paxSize(pax) ?? header.size) : 0,
    uid: paxNumber(pax, 'uid') ?? header.uid,
    gid: paxNumber(pax, 'gid') ?? header.gid,
    mtime: paxNumber(pax, 'mtime') ?? header.mtime,
    ...(xattrs?.size && { xattrs }),
    ...((header.flag === 'S' || isSparse(pax)) && { sparse: true }),
  };
}

const isSparse = (pax: Map<string, string> | undefined): boolean =>
  [...(pax?.keys() ?? [])].some((key) => key.startsWith('GNU.sparse.'));

/** A whole number, the fraction of a time left out; undefined where it says none. */
function paxNumber(pax: Map<string, string> | undefined, key: string): number | undefined {
  const stated = pax?.get(key);
  return stated !== undefined && /^\d{1,15}(\.\d*)?$/.test(stated) ? Math.floor(Number(stated)) : undefined;
}

function paxSize(pax: Map<string, string> | undefined): number | undefined {
  const stated = pax?.get('size');
  if (stated === undefined || stated === '') return undefined;
  const size = Number(stated);
  if (!/^\d+$/.test(stated) || !Number.isSafeInteger(size)) throw invalid('a tar header states an impossible size');
  return size;
}

/** Records are `<length> <key>=<value>\n`, the length counting itself. */
function parsePax(body: Buffer): { pax: Map<string, string>; xattrs: Map<string, Buffer> } {
  const pax = new Map<string, string>();
  const xattrs = new Map<string, Buffer>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const digits = space === -1 ? '' : body.toString('latin1', at, space);
    const end = at + Number(digits);
    const equals = body.indexOf(0x3d, space);
    if (!/^\d{1,9}$/.test(digits) || end > body.length || equals === -1 || equals >= end || body[end - 1] !== 0x0a) {
      throw invalid('a tar header is damaged: its extended records cannot be read');
    }
    const key = body.toString('utf8', space + 1, equals);
    const value = body.toString('utf8', equals + 1, end - 1);
    if (/^(path|linkpath|GNU\.sparse\.name)$/.test(key) && value.includes('\0'))
      throw invalid('a tar entry has a name with a zero byte');
    pax.set(key, value);
    // Not text: capabilities are binary.
    if (key.startsWith(XATTR)) xattrs.set(key.slice(XATTR.length), Buffer.from(body.subarray(equals + 1, end - 1)));
    at = end;
  }
  return { pax, xattrs };
}

function untilNul(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString('utf8', 0, end === -1 ? body.length : end);
}
