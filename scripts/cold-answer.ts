// What `npm run bench:coldstart` measures in a fresh process: load the app in a folder, call one function, print the times.
// It is bundled to plain JavaScript first, so that nothing of the measuring is measured. Imports the local host's worker only.

import { loadApp } from '../simulator/local/worker.ts'

/** Milliseconds from the start of a process. */
export interface Times {
  /** To the last registration. */
  readonly loaded: number
  /** To the first HTTP answer. */
  readonly answered: number
}

/** Asks the function `name` of the app in `directory` for a target that does not exist. Throws where the answer is not 404. */
async function answer(directory: string, name: string): Promise<void> {
  const app = await loadApp(directory, () => undefined)
  const loaded = performance.now()
  const http = {
    method: 'GET',
    url: 'http://127.0.0.1/api/targets/unknown',
    nullableParams: { name: { value: 'unknown' } },
  }
  const { returnValue } = await app.invoke(name, 'bench', { trigger: { http } })
  const answered = performance.now()
  if (returnValue?.http?.statusCode !== '404') throw new Error(`${name} answered ${JSON.stringify(returnValue)}`)
  process.stdout.write(JSON.stringify({ loaded, answered } satisfies Times), () => process.exit(0))
}

const [, , directory = '', name = ''] = process.argv
await answer(directory, name)
