import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { XML_MODELS, xmlModelOf } from '../bodies/xml-models.js';

interface Schema {
  properties?: Record<string, { xml?: object; items?: { xml?: object } }>;
  xml?: object;
}

/** The OpenAPI document of all routes of the application. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const description = 'Search, deploy, and import virtual environments from supported execution environments';
  const config = new DocumentBuilder()
    .setTitle('ViCE Image Registry')
    .setDescription(description)
    .setVersion('0.1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0.html')
    .addBasicAuth()
    .addServer('/')
    .build();
  const document = SwaggerModule.createDocument(app, config);
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) nameElements(name, schema as Schema);
  for (const path of Object.values(document.paths))
    for (const operation of Object.values(path)) openToAll(operation as Operation);
  return document;
}

interface Operation {
  operationId?: string;
  security?: object[];
}

/** Which operations need no login, and which may do without. */
const LOGIN: Readonly<Record<string, object[]>> = {
  createUser: [],
  findImages: [{}, { basic: [] }],
  getImage: [{}, { basic: [] }],
  getImageVariants: [{}, { basic: [] }],
  downloadImage: [{}, { basic: [] }],
};

function openToAll(operation: Operation): void {
  operation.security = LOGIN[operation.operationId ?? ''] ?? operation.security;
}

/** How a model stands in XML: the name of its root element, and of the elements of its lists. */
function nameElements(name: string, schema: Schema): void {
  const model = modelNamed(name);
  if (!model) return;
  if (model !== name) schema.xml = { name: model };
  const { lists = {}, modelLists = {} } = XML_MODELS[model];
  const entries = Object.entries(modelLists).map(([field, { entry }]) => [field, entry] as const);
  for (const [field, entry] of [...Object.entries(lists), ...entries]) {
    const property = schema.properties?.[field];
    if (!property) continue;
    property.xml = { wrapped: true };
    if (property.items) property.items.xml = { name: entry };
  }
}

function modelNamed(name: string) {
  try {
    return xmlModelOf({ name });
  } catch {
    return undefined; // Problem and the enumerations are in no XML answer
  }
}
