import { ExpansionBudget, openArchive } from '../expansion.js';
import { type InspectionLimits } from '../inspection.js';
import { invalid, quote, refused } from '../refusal.js';
import { hardLinkTarget, pathInTree, symlinkTarget } from '../tar/tar.paths.js';
import { readTar, type TarEntry } from '../tar/tar.reader.js';
import { decodeText } from '../text.js';
import { parseDockerfile, type Dockerfile } from './dockerfile.js';

const CONTEXT = 'the build context';

export interface BuildContext extends Dockerfile {
  entries: number;
}

/** Reads a build context (tar, plain or gzip) from start to end. Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED. */
export async function readBuildContext(archive: AsyncIterable<Buffer>, limits: InspectionLimits): Promise<BuildContext> {
  const budget = new ExpansionBudget(limits);
  let dockerfile: Dockerfile | undefined;
  let entries = 0;
  for await (const entry of readTar(openArchive(archive, budget))) {
    entries++;
    const path = checkEntry(entry);
    if (path !== 'Dockerfile') continue;
    if (dockerfile) throw refused('the build context holds two Dockerfiles at its root');
    dockerfile = await readDockerfile(entry, limits);
  }
  if (!dockerfile) throw invalid('the build context has no Dockerfile at its root');
  return { ...dockerfile, entries };
}

/** Absolute symbolic links stay: they are meant for the root filesystem of the image that is built. */
function checkEntry({ header }: TarEntry): string {
  const path = pathInTree(header.name, CONTEXT);
  if (header.type === 'link') hardLinkTarget(header, CONTEXT);
  else if (header.type === 'symlink' && !header.linkname.startsWith('/')) symlinkTarget(header, CONTEXT);
  else if (header.type !== 'file' && header.type !== 'directory' && header.type !== 'symlink') {
    throw refused(`the build context holds ${quote(path)}, which is neither a file nor a folder nor a link`);
  }
  return path;
}

async function readDockerfile({ header, body }: TarEntry, { maxTextBytes }: InspectionLimits): Promise<Dockerfile> {
  if (header.type !== 'file') throw refused('the Dockerfile in the build context is not a plain file');
  if (header.size > maxTextBytes) throw refused(`the Dockerfile is larger than ${maxTextBytes} bytes, the limit here`);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const text = decodeText(Buffer.concat(chunks));
  if (text === undefined) throw invalid('the Dockerfile is not text in UTF-8');
  return parseDockerfile(text);
}
