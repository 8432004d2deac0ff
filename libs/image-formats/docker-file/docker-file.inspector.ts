import { isGzip } from '../expansion.js';
import { type FormatInspector } from '../inspection.js';
import { streamed } from '../streamed.js';
import { isTarHeader } from '../tar/tar.header.js';
import { isText, readText } from '../text.js';
import { readBuildContext } from './build-context.js';
import { parseDockerfile } from './dockerfile.js';

const isArchive = (head: Buffer): boolean => isGzip(head) || isTarHeader(head);

/** Facts: `form` (`text`, or `context` for a tar with a Dockerfile at its root), `baseImage`, and of a context its `entries`. */
export const dockerFile: FormatInspector = {
  label: 'a Dockerfile or a build context',
  canBe: (head) => isArchive(head) || isText(head),
  inspect: async (bytes, limits, signal) => {
    if (!isArchive(await bytes.read(0, 512))) {
      return { form: 'text', ...parseDockerfile(await readText(bytes, 'the Dockerfile', limits.maxTextBytes)) };
    }
    return { form: 'context', ...(await streamed(bytes, signal, (archive) => readBuildContext(archive, limits))) };
  },
};
