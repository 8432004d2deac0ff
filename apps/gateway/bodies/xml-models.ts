/** How the fields of one model stand in XML. A field that is not named here is one element with its value as text. */
export interface XmlModel {
  /** List fields: the name of the element around each entry. */
  lists?: Readonly<Record<string, string>>;
  /** List fields of models: the name of the element around each entry, and its model. */
  modelLists?: Readonly<Record<string, { entry: string; model: XmlModelName }>>;
  /** Fields that hold a JSON object: one element with that JSON as its text. */
  json?: readonly string[];
  /** Fields that hold another model. */
  models?: Readonly<Record<string, XmlModelName>>;
  /** The root element around several. */
  plural?: string;
}

export type XmlModelName =
  | 'User'
  | 'Environment'
  | 'Credentials'
  | 'ManagementLayer'
  | 'RuntimeTechnology'
  | 'EnvironmentCheck'
  | 'Image'
  | 'RemoteImage'
  | 'Variant'
  | 'Deployment'
  | 'PlanStep'
  | 'Job'
  | 'JobError'
  | 'DeadLetter'
  | 'DeadLetterSummary'
  | 'Administrator'
  | 'RuntimeStats';

/** The models by the name of their root element. */
export const XML_MODELS: Readonly<Record<XmlModelName, XmlModel>> = {
  User: {},
  Environment: {
    models: { credentials: 'Credentials', managementlayer: 'ManagementLayer', runtimetechnology: 'RuntimeTechnology' },
    plural: 'Environments',
  },
  Credentials: { json: ['specifics'] },
  ManagementLayer: {},
  RuntimeTechnology: {},
  EnvironmentCheck: { json: ['details'] },
  Image: {
    lists: { tags: 'tag', sameDisk: 'imageid' },
    json: ['specifics'],
    models: { originEnvironment: 'Environment' },
    plural: 'Images',
  },
  RemoteImage: { plural: 'RemoteImages' },
  Variant: { lists: { arguments: 'argument' }, plural: 'Variants' },
  Deployment: {
    json: ['specifics', 'receipt'],
    modelLists: { plan: { entry: 'step', model: 'PlanStep' } },
    plural: 'Deployments',
  },
  PlanStep: { models: { error: 'JobError' } },
  Job: { models: { error: 'JobError', deadLetters: 'DeadLetterSummary' }, plural: 'Jobs' },
  JobError: {},
  DeadLetter: { plural: 'DeadLetters' },
  DeadLetterSummary: {},
  Administrator: { plural: 'Administrators' },
  RuntimeStats: {},
};

/** Classes of contracts whose element has another name than they. */
const RENAMED: Readonly<Record<string, XmlModelName>> = {
  NewUser: 'User',
  EnvironmentInput: 'Environment',
  CredentialsInput: 'Credentials',
  ImageInput: 'Image',
  DeploymentInput: 'Deployment',
  RemoteImageEntry: 'RemoteImage',
};

/** The root element of a class of contracts. Raises where the table has none: a route that cannot speak XML must not start. */
export function xmlModelOf(type: { name: string }): XmlModelName {
  const name = RENAMED[type.name] ?? type.name;
  if (Object.hasOwn(XML_MODELS, name)) return name as XmlModelName;
  throw new Error(`${type.name} has no row in XML_MODELS`);
}
