import { quote, refused } from '../refusal.js';
import { type TarHeader } from './tar.header.js';

/**
 * The path of an entry within the tree that the archive holds: no leading or trailing slash, no `.` or `..`; '' is the root.
 * Throws CONTENT_REFUSED where it leads out of the tree. `tree` says what it is in the message.
 */
export function pathInTree(name: string, tree: string): string {
  const path = climb([], name);
  if (path === null) throw refused(`${tree} holds a path that leads out of it: ${quote(name)}`);
  return path.join('/');
}

/** Where a hard link points, which counts from the root of the tree. */
export function hardLinkTarget(header: TarHeader, tree: string): string {
  const path = climb([], header.linkname);
  if (path === null)
    throw refused(`${tree} holds a link that leads out of it: ${quote(header.name)} to ${quote(header.linkname)}`);
  return path.join('/');
}

/** Where a symbolic link points, which counts from its own folder. Throws CONTENT_REFUSED for one that climbs out of the tree; an absolute one does too. */
export function symlinkTarget(header: TarHeader, tree: string): string {
  const folder = climb([], header.name)?.slice(0, -1) ?? [];
  const path = header.linkname.startsWith('/') ? null : climb(folder, header.linkname);
  if (path === null)
    throw refused(`${tree} holds a link that leads out of it: ${quote(header.name)} to ${quote(header.linkname)}`);
  return path.join('/');
}

function climb(from: string[], name: string): string[] | null {
  const path = [...from];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') path.push(part);
    else if (path.pop() === undefined) return null;
  }
  return path;
}
