/** @file gRPC reflection, which tools such as grpcurl ask: set up by the first question, for few runs are ever asked. */
import type {
  Server,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { protoPackage } from './protos.ts';

const SERVICES = [
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];
const METHOD = 'ServerReflectionInfo';

/** The method of one of the services, as the library has it. */
interface Method {
  readonly definition: ServiceDefinition[string];
  readonly handler: UntypedHandleCall;
}

/** Serves reflection of the contract. Reading it for that takes a tenth of a second of processor time. */
export function addReflection(server: Server): void {
  let methods: ReadonlyMap<string, Method> | undefined;
  for (const service of SERVICES) {
    const path = `/${service}/${METHOD}`;
    const method = () => {
      methods ??= libraryMethods();
      return methods.get(path) as Method;
    };
    const definition: ServiceDefinition = {
      [METHOD]: {
        ...{ path, requestStream: true, responseStream: true },
        requestSerialize: (value) => method().definition.requestSerialize(value),
        requestDeserialize: (bytes) => method().definition.requestDeserialize(bytes),
        responseSerialize: (value) => method().definition.responseSerialize(value),
        responseDeserialize: (bytes) => method().definition.responseDeserialize(bytes),
      },
    };
    const handler = (call: unknown) => (method().handler as (call: unknown) => void)(call);
    server.addService(definition, { [METHOD]: handler as UntypedHandleCall });
  }
}

/** The methods that the library adds to a server, by their paths. */
function libraryMethods(): ReadonlyMap<string, Method> {
  const methods = new Map<string, Method>();
  const addService = (service: ServiceDefinition, handlers: UntypedServiceImplementation) => {
    for (const [name, definition] of Object.entries(service)) {
      methods.set(definition.path, { definition, handler: handlers[name] as UntypedHandleCall });
    }
  };
  new ReflectionService(protoPackage).addToServer({ addService });
  return methods;
}
