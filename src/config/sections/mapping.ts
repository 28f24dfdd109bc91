/** How a body that is no CloudEvent becomes one. The schema stands beside the code that compiles it. */
export { MappingSchema as mappingSchema } from '../../events/mapping-schema.ts'
