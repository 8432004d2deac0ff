import { Body, type PipeTransform } from '@nestjs/common';
import { readJson } from './json.reader.js';
import { textOfBody, type RawBody } from './raw-body.js';
import { validated } from './validation.js';
import { xmlModelOf, type XmlModelName } from './xml-models.js';
import { readXml } from './xml.reader.js';

/** A request's body, JSON or XML, as a checked instance of a class of contracts. */
export const Input = <T extends object>(type: new () => T): ParameterDecorator => Body(new InputPipe(type));

class InputPipe<T extends object> implements PipeTransform<RawBody | undefined, T> {
  private readonly model: XmlModelName;

  constructor(private readonly type: new () => T) {
    this.model = xmlModelOf(type);
  }

  transform(body: RawBody | undefined): T {
    const { text, xml } = textOfBody(body);
    return validated(this.type, xml ? readXml(this.model, text) : readJson(text));
  }
}
