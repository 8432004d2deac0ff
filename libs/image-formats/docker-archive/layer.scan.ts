import { basename } from 'node:path/posix';
import { quote, refused } from '../refusal.js';
import { type TarHeader } from '../tar/tar.header.js';
import { TarParser } from '../tar/tar.parser.js';
import { hardLinkTarget, pathInTree } from '../tar/tar.paths.js';

const WHITEOUT = '.wh.';

/** Reads a layer's entries while its bytes go by; nothing of them is kept. */
export class LayerScan {
  private readonly parser = new TarParser('open');

  /** Throws CONTENT_INVALID for what is no tar archive, CONTENT_REFUSED for entries that reach out of the layer. */
  push(chunk: Buffer): void {
    for (const piece of this.parser.push(chunk)) {
      if (piece.kind === 'entry') checkEntry(piece.header);
    }
  }

  finish(): void {
    this.parser.finish();
  }
}

/** Symbolic links may point anywhere: within a container, its own root is the end of every `..`. Devices are legal too. */
function checkEntry(header: TarHeader): void {
  pathInTree(header.name, 'a layer');
  if (header.type === 'link') hardLinkTarget(header, 'a layer');
  const name = basename(header.name);
  if (name.startsWith(WHITEOUT) && ['', '.', '..'].includes(name.slice(WHITEOUT.length))) {
    throw refused(`a layer deletes what it does not name: ${quote(header.name)}`);
  }
}
