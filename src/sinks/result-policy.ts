import type { ExecutionRole, NetworkPolicy } from '../config/sections/function-definition.ts'

/** What the results of one function version may reach: its execution role and its network policy. */
export interface ResultPolicy {
  readonly role: ExecutionRole | undefined
  readonly network: NetworkPolicy | undefined
}

/** Results of functions without role and policy. */
export const unrestricted: ResultPolicy = { role: undefined, network: undefined }
