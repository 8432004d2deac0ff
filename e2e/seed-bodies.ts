/** The example bodies of the API's first document, as they stand there. */

export const SEED_USER = { password: 'aeiou', id: 'aeiou', fullname: 'aeiou', email: 'aeiou', username: 'aeiou' };

export const SEED_ENVIRONMENT = {
  credentials: { password: 'aeiou', location: 'aeiou', username: 'aeiou', specifics: '{}' },
  managementlayer: { software: 'aeiou', type: 'basic', version: 'aeiou' },
  id: 'aeiou',
  title: 'aeiou',
  userid: 'aeiou',
  runtimetechnology: { software: 'aeiou', type: 'virtualmachine', version: 'aeiou' },
};

export const SEED_IMAGE = {
  imagetype: 'implicit',
  imported: true,
  originEnvironment: SEED_ENVIRONMENT,
  id: 'aeiou',
  title: 'aeiou',
  userid: 'aeiou',
  contenttype: 'disk-raw',
  environmentReference: 'aeiou',
  specifics: '{}',
};

export const SEED_DEPLOYMENT = {
  imageid: 'aeiou',
  environmentId: 'aeiou',
  id: 'aeiou',
  title: 'aeiou',
  userid: 'aeiou',
  environmentReference: 'aeiou',
};

/** The fields that a client of the first document knows, by model; none may be missing from an answer. */
export const SEED_FIELDS = {
  User: ['id', 'username', 'email', 'fullname'],
  Environment: ['credentials', 'managementlayer', 'id', 'title', 'userid', 'runtimetechnology'],
  Image: Object.keys(SEED_IMAGE),
  Deployment: Object.keys(SEED_DEPLOYMENT),
  RuntimeStats: ['importsPending', 'exportWorker', 'importWorker', 'storePending', 'exportsPending', 'storeWorker'],
};

/** A model as XML: nested objects as elements, lists as their name around singular elements, `specifics` as JSON in text. */
export function asXml(root: string, value: unknown): string {
  if (Array.isArray(value)) return `<${root}>${value.map((one) => asXml(root.replace(/s$/, ''), one)).join('')}</${root}>`;
  if (typeof value !== 'object' || value === null) return `<${root}>${escaped(String(value))}</${root}>`;
  if (root === 'specifics') return `<${root}>${escaped(JSON.stringify(value))}</${root}>`;
  return `<${root}>${Object.entries(value)
    .map(([name, field]) => asXml(name, field))
    .join('')}</${root}>`;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
