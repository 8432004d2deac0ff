/** What a session does that reaches the environment. */
export const OPERATIONS = [
  'check',
  'list',
  'describe',
  'read',
  'readFrom',
  'write',
  'verify',
  'remove',
  'prepare',
  'dispose',
] as const;

export const isOperation = (name: string | symbol): boolean => (OPERATIONS as readonly (string | symbol)[]).includes(name);
