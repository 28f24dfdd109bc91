export function init(context: { readonly env: Readonly<Record<string, string>> }): void
export default function handler(
  event: { readonly data: { readonly id: string; readonly key: string; readonly seq: number; readonly act?: string } },
  context: { readonly attempt: number; readonly remainingMs?: number },
): Promise<unknown>
