import { functionFile, prepareGateway, type GatewayProcess, type GatewaySetup } from './gateway-process.ts'
import { Ledger } from './ledger.ts'

type Sections = Record<string, Record<string, unknown>>

/** The HTTP source of these tests: JSON bodies of {@link TestEvent}s, repeats recognised by their id. */
export const hooksSource = {
  type: 'http',
  path: '/hooks',
  deduplicate: { pointer: '/id' },
  mapping: { type: 'test.hook', partitionkey: { pointer: '/key' } },
}

/** A gateway with webhooks at /hooks and whatever else `sections` says, and the ledger that its functions get as LEDGER. */
export async function prepareWebhookGateway(
  sections: (ledger: string) => Sections,
  env: GatewaySetup['env'] = {},
  nodeArgs: GatewaySetup['nodeArgs'] = [],
): Promise<{ gateway: GatewayProcess; ledger: Ledger }> {
  const gateway = await prepareGateway({ config: {}, env, nodeArgs })
  const ledger = new Ledger(gateway.path('ledger'))
  const { sources, ...others } = sections(ledger.file)
  await gateway.configure({ ...others, sources: { hooks: hooksSource, ...sources } })
  return { gateway, ledger }
}

/** A function of this folder with the ledger in its environment. */
export const ledgerFunction = (file: string, ledger: string, more: Record<string, unknown> = {}) => ({
  ...more,
  file: functionFile(file),
  environment: { LEDGER: ledger, ...(more['environment'] as Record<string, string> | undefined) },
})
