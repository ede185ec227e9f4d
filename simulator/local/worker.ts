// The language worker: loads the app and runs one invocation. It offers the app the `@azure/functions-core` that the real worker
// offers. So the app's own copy of `@azure/functions` registers and converts exactly as it does in Azure.

import { existsSync, globSync, readFileSync } from 'node:fs'
import Module from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none'
export type Log = (level: LogLevel, category: string, message: string, invocationId?: string) => void

/** The fields of the RPC protocol between host and worker that are used here. */
export interface TypedData {
  readonly string?: string
  readonly json?: string
  readonly bytes?: Uint8Array
  readonly int?: number
  readonly double?: number
  readonly http?: HttpData
}
export interface Nullable {
  readonly value: string
}
export interface HttpData {
  readonly method?: string
  readonly url?: string
  readonly nullableHeaders?: Readonly<Record<string, Nullable>>
  readonly nullableQuery?: Readonly<Record<string, Nullable>>
  readonly nullableParams?: Readonly<Record<string, Nullable>>
  readonly identities?: readonly unknown[]
  readonly body?: TypedData
  readonly statusCode?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly { readonly name: string; readonly value: string }[]
}
export interface Binding {
  readonly type: string
  readonly direction?: string
  readonly name?: string
  readonly [property: string]: unknown
}
export interface Invocation {
  readonly trigger: TypedData
  readonly triggerMetadata?: Readonly<Record<string, TypedData>>
}
export interface InvocationResult {
  readonly returnValue?: TypedData
}
export interface RegisteredFunction {
  readonly name: string
  readonly trigger: Binding
  readonly bindings: Readonly<Record<string, Binding>>
}
export interface App {
  readonly functions: readonly RegisteredFunction[]
  /** Runs one function once. Throws what the function throws. */
  invoke(name: string, invocationId: string, invocation: Invocation): Promise<InvocationResult>
  /** Runs the app's `appTerminate` hooks. */
  terminate(): Promise<void>
}

type Callback = (...args: unknown[]) => unknown
interface Metadata {
  readonly name: string
  readonly functionId?: string
  readonly bindings: Readonly<Record<string, Binding>>
}
interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>
  invokeFunction(context: unknown, inputs: unknown[], callback: Callback): Promise<unknown>
  getResponse(context: unknown, result: unknown): Promise<InvocationResult>
}
interface ProgrammingModel {
  readonly name: string
  readonly version: string
  getInvocationModel(context: unknown): InvocationModel | Promise<InvocationModel>
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>
}
type HookName = 'preInvocation' | 'postInvocation' | 'appStart' | 'appTerminate' | 'log'

/** The version of the real worker that this one follows. */
const version = '3.10.1'
const capabilities = {
  RawHttpBodyBytes: 'true',
  RpcHttpTriggerMetadataRemoved: 'true',
  RpcHttpBodyOnly: 'true',
  IgnoreEmptyValuedRpcHttpHeaders: 'true',
  UseNullableValueDictionaryForHttp: 'true',
  WorkerStatus: 'true',
  TypedDataCollection: 'true',
  HandlesWorkerTerminateMessage: 'true',
}

/** What the app registers while it is loaded. */
interface Registered {
  readonly functions: Map<string, { metadata: Metadata; callback: Callback }>
  readonly hooks: Map<HookName, Callback[]>
  model: ProgrammingModel | undefined
  /** The app is loaded: from now on nothing can be registered. */
  locked: boolean
}

type RunHooks = (name: HookName, context: object) => Promise<void>

/**
 * Loads the files that `main` in the app's package.json names, as the worker does: a glob, in order, `import()` for ES
 * modules. Throws when a file cannot be loaded: then Azure, too, has no function at all.
 */
export async function loadApp(directory: string, log: Log): Promise<App> {
  const registered: Registered = { functions: new Map(), hooks: new Map(), model: undefined, locked: false }
  provideCore(coreFor(registered, log))
  for (const file of entryFiles(directory)) {
    await import(pathToFileURL(file).href)
  }
  registered.locked = true
  const model = await usableModel(registered, directory)
  const runHooks: RunHooks = async (name, context) => {
    for (const hook of registered.hooks.get(name) ?? []) await hook(context)
  }
  const appHookData = {}
  await runHooks('appStart', { hookData: {}, appHookData, functionAppDirectory: directory })

  return {
    functions: [...registered.functions.values()].map(({ metadata }) => describe(metadata)),
    invoke: async (name, invocationId, invocation) => {
      const found = [...registered.functions.values()].find(({ metadata }) => metadata.name === name)
      if (found === undefined) throw new Error(`The function "${name}" is not registered.`)
      const context = contextOf(found.metadata, invocationId, invocation, log)
      return run(await model.getInvocationModel(context), found.callback, context, appHookData, runHooks)
    },
    terminate: () => runHooks('appTerminate', { hookData: {}, appHookData }),
  }
}

/** `@azure/functions-core`, which notes what the app registers. */
function coreFor(registered: Registered, log: Log): object {
  const { functions, hooks } = registered
  return {
    version,
    hostVersion: '4.1000.0',
    Disposable,
    log: (level: LogLevel, category: string, message: string) => log(level, `Worker.${category}`, message),
    getProgrammingModel: () => registered.model,
    setProgrammingModel: (chosen: ProgrammingModel) => {
      registered.model = chosen
    },
    registerHook: (name: HookName, callback: Callback) => {
      const callbacks = [...(hooks.get(name) ?? []), callback]
      hooks.set(name, callbacks)
      return new Disposable(() => {
        hooks.set(
          name,
          callbacks.filter((other) => other !== callback),
        )
      })
    },
    registerFunction: (metadata: Metadata, callback: Callback) => {
      if (registered.locked) throw new Error('A function can only be registered during app startup.')
      const id = metadata.functionId ?? metadata.name
      if (functions.has(id)) throw new Error(`A function with id "${id}" has already been registered.`)
      functions.set(id, { metadata, callback })
      return new Disposable(() => {
        functions.delete(id)
      })
    },
  }
}

/** The programming model that the app has set. Throws where it has set none, or one that this host cannot serve. */
async function usableModel({ model }: Registered, directory: string): Promise<ProgrammingModel> {
  if (model === undefined) throw new Error(`${directory}: no file of "main" uses @azure/functions.`)
  const offered = await model.getCapabilities?.({ ...capabilities })
  if (offered?.['HttpUri'] !== undefined) {
    throw new Error('The local host does not stream bodies: remove app.setup({ enableHttpStream: true }).')
  }
  return model
}

/** What the programming model learns of one invocation. */
function contextOf(metadata: Metadata, invocationId: string, { trigger, triggerMetadata }: Invocation, log: Log) {
  const { name } = metadata
  return {
    invocationId,
    metadata,
    request: {
      invocationId,
      functionId: name,
      inputData: [{ name: describe(metadata).trigger.name, data: trigger }],
      triggerMetadata: triggerMetadata ?? {},
    },
    state: undefined as string | undefined,
    log: (level: LogLevel, category: string, message: string) =>
      log(level, category === 'user' ? `Function.${name}.User` : `Function.${name}`, message, invocationId),
  }
}

async function run(
  model: InvocationModel,
  callback: Callback,
  context: { state: string | undefined },
  appHookData: object,
  runHooks: RunHooks,
): Promise<InvocationResult> {
  const { context: invocationContext, inputs } = await model.getArguments()
  const hookData = {}
  const before = { hookData, appHookData, invocationContext, functionCallback: callback, inputs }
  context.state = 'preInvocationHooks'
  await runHooks('preInvocation', before)
  const after = { hookData, appHookData, invocationContext, inputs: before.inputs, result: null, error: null } as {
    result: unknown
    error: unknown
  }
  context.state = 'invocation'
  try {
    after.result = await model.invokeFunction(invocationContext, before.inputs, before.functionCallback)
  } catch (error) {
    after.error = error
  }
  context.state = 'postInvocationHooks'
  await runHooks('postInvocation', after)
  context.state = undefined
  if (after.error !== null && after.error !== undefined) throw after.error
  return model.getResponse(invocationContext, after.result)
}

function describe(metadata: Metadata): RegisteredFunction {
  const entry = Object.entries(metadata.bindings).find(([, binding]) => /trigger$/i.test(binding.type))
  if (entry === undefined) throw new Error(`Function "${metadata.name}" has no trigger.`)
  return { name: metadata.name, trigger: { ...entry[1], name: entry[0] }, bindings: metadata.bindings }
}

function entryFiles(directory: string): string[] {
  const manifest = join(directory, 'package.json')
  if (!existsSync(manifest)) throw new Error(`${directory} is not a function app: it has no package.json.`)
  const { main } = JSON.parse(readFileSync(manifest, 'utf8')) as { main?: string }
  if (main === undefined) throw new Error(`${manifest} has no "main": it must name the files that register functions.`)
  const files = globSync(main, { cwd: directory }).sort()
  if (files.length === 0) throw new Error(`No file matches "main": "${main}" in ${directory}. Build the app first.`)
  return files.map((file) => join(directory, file))
}

/** The real worker, too, wraps `require`: the package cannot be installed. */
function provideCore(core: object): void {
  const prototype = Module.prototype as unknown as { require: (id: string) => unknown }
  prototype.require = new Proxy(prototype.require, {
    apply: (target, self, args) => (args[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, args)),
  })
}

class Disposable {
  readonly #dispose: () => void
  constructor(dispose: () => void) {
    this.#dispose = dispose
  }
  static from(...disposables: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose()
    })
  }
  dispose(): void {
    this.#dispose()
  }
}
