/** Names are cut there by the satellite; counted as Java counts, in UTF-16 units. */
const MAX_NAME = 100;

/**
 * How an image is called there until it is finished: its name with the marker of the deployment, by which it is found after a crash. There is nothing
 * else that it can be found by, because a satellite makes an image from its name alone.
 */
export function nameInTheMaking(title: string | null, marker: string): string {
  const mark = ` [ViCE ${marker}]`;
  return `${cut(printable(title), MAX_NAME - mark.length)}${mark}`;
}

/** How it is called when it is finished. */
export const finishedName = (title: string | null): string => cut(printable(title), MAX_NAME);

/** A line of the description keeps the marker when the name has lost it. */
export const markedDescription = (description: string | null, marker: string): string =>
  [withoutMarks(description ?? ''), `[ViCE ${marker}]`].filter((part) => part !== '').join('\n\n');

const MARK = /\s*\[ViCE [0-9a-f-]{36}\]/g;

/** A text without the marks of deployments: an image that comes back must not be taken for the deployment that it once was. */
export const withoutMarks = (text: string): string => text.replace(MARK, '').trim();

/** The deployment that an image belongs to, as its name or its description says; null: to none. */
export function markerIn({ imageName = '', description = '' }: { imageName?: string; description?: string }): string | null {
  const marks = [...imageName.matchAll(MARK), ...description.matchAll(MARK)];
  return marks[0]?.[0].trim().slice('[ViCE '.length, -1) ?? null;
}

export const isInTheMaking = ({ imageName = '' }: { imageName?: string }): boolean => markerIn({ imageName }) !== null;

/** Without what cannot be printed, because a satellite refuses such a name; never empty. */
function printable(title: string | null): string {
  const text = withoutMarks(title ?? '')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return text || 'ViCE image';
}

/** Never in the midst of a character. */
const cut = (text: string, length: number): string =>
  text
    .slice(0, length)
    .replace(/\p{Cs}$/u, '')
    .trimEnd();
