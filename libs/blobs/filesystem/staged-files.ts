import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Layout } from './layout.js';

export interface StagedFile {
  writer: string;
  path: string;
}

/** Every file in staging that a writer has there. What else lies there is nobody's business. */
export async function stagedFiles(layout: Layout): Promise<StagedFile[]> {
  return (await readdir(layout.staging)).flatMap((name) => {
    const writer = layout.writerOf(name);
    return writer === null ? [] : [{ writer, path: join(layout.staging, name) }];
  });
}
