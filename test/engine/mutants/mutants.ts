// Deliberate defects of the engine: `npm run mutants` makes each of them and reports who notices.
// Edits are text of the source, placeholders and all.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: see above
// When the code moves, keep the id and the meaning, and write the edit anew.

import type { Mutant } from './mutant.ts'

export const mutants: readonly Mutant[] = [
  {
    id: 'settling-all',
    what: 'drop `settling` check',
    edits: [['engine/checks.ts', "  ['settling', settling],\n", '']],
  },
  {
    id: 'settling-asked',
    what: 'settling: ignore a recorded request',
    edits: [
      [
        'engine/checks.ts',
        '  if (requestListedAt !== undefined && state.now < requestListedAt) return settlingUntil(state, requestListedAt)\n  return operationCheckAt === undefined ? undefined : settlingUntil(state, operationCheckAt)\n',
        '  return undefined\n',
      ],
      [
        'engine/checks.ts',
        '  const { unseenUntil, requestListedAt, operationCheckAt } = state.ages\n',
        '  const { unseenUntil } = state.ages\n',
      ],
    ],
  },
  {
    id: 'settling-unseen',
    what: 'settling: ignore own unseen values',
    edits: [
      [
        'engine/checks.ts',
        '  if (unseenUntil !== undefined && !state.vaultRefused) return settlingUntil(state, unseenUntil)\n',
        '',
      ],
    ],
  },
  {
    id: 'interrupted',
    what: 'drop `interrupted` check',
    edits: [['engine/checks.ts', "  ['interrupted', interrupted],\n", '']],
  },
  {
    id: 'asked',
    what: 'drop the `requested` record before a regenerate',
    edits: [
      [
        'engine/steps/regenerate.ts',
        '  const requested = await writeTags(decided, context, target.secrets[0], record, { slot })\n',
        '  const requested = slot && record ? decided : decided\n',
      ],
    ],
  },
  {
    id: 'tag-not-value',
    what: 'active slot = `CredentialId` tag, not the value',
    edits: [
      [
        'engine/state.ts',
        '  const slots = liveSlots(ring, secret, lead)\n  return slots.find',
        '  if (slotNamed(ring, noted)) return slotNamed(ring, noted)\n  const slots = liveSlots(ring, secret, lead)\n  return slots.find',
      ],
    ],
  },
  {
    id: 'publish-before-probe',
    what: 'publish without probing',
    edits: [
      [
        'engine/probe.ts',
        "  if (evidence === 'no probe') return { publish: true }\n",
        '  if (evidence !== undefined) return { publish: true }\n',
      ],
    ],
  },
  {
    id: 'one-lost-probe',
    what: 'one lost probe publishes at once',
    edits: [
      [
        'engine/probe.ts',
        '  const { now, proven, kind } = waiting\n',
        "  const { now, proven, kind } = waiting\n  if (evidence === 'unclear') return { publish: true, proven: false }\n",
      ],
    ],
  },
  {
    id: 'retry-regenerate',
    what: 'a regenerate of unknown outcome is sent again',
    edits: [
      [
        'engine/steps/regenerate.ts',
        '    if (error.details.outcomeUnknown) return readBack(step.slot, decided, context, error)',
        '    if (error.details.outcomeUnknown) { try { return await session.effect((call) => holder.regenerate(step.slot, call)) } catch { return readBack(step.slot, decided, context, error) } }',
      ],
    ],
  },
  {
    id: 'lease-before',
    what: 'no lease check before an effect',
    edits: [['engine/lease-session.ts', '    await ensure()\n    const result', '    const result']],
  },
  {
    id: 'lease-after',
    what: 'the clock is not read after an effect',
    edits: [
      [
        'engine/lease-session.ts',
        '    if (clock.monotonic() >= until) throw lost()\n    return result',
        '    return result',
      ],
    ],
  },
  {
    id: 'lease-ignored',
    what: 'works under the lease of another worker',
    edits: [
      [
        'engine/reconcile.ts',
        '    const lease = await limited(ports.clock, ({ signal }) => ports.leases.acquire(target.lease, signal))\n    if (!lease) return busy(target, request, ports.clock.now())\n',
        '    const lease = (await limited(ports.clock, ({ signal }) => ports.leases.acquire(target.lease, signal))) ?? { renew: async () => true, release: async () => undefined }\n',
      ],
    ],
  },
  {
    id: 'lease-let-go',
    what: 'lease let go while a write is of unknown outcome',
    edits: [
      [
        'engine/failed-reconcile.ts',
        "  else await attempt(ports, target, 'keep the lease', () => session.keep())\n  return 'keep'",
        "  return 'release'",
      ],
    ],
  },
  {
    id: 'wait-150',
    what: 'come back after 60 s, not 150 s, after an unanswered write',
    edits: [['engine/come-back.ts', 'Math.max(retryAfter, unansweredWrite)', 'retryAfter']],
    exempt: {
      why: 'The kept lease keeps others away for 85 seconds. An effect that lands still later is a fault of the world, whoever works then.',
      test: 'test/engine/reconcile-failures.test.ts',
    },
  },
  {
    id: 'cooling-rotatedAt',
    what: 'cooling measured from rotatedAt',
    edits: [
      [
        'engine/ages.ts',
        'coolAt: twoSlots ? published + target.overlap + clockBound : unknownAge,',
        'coolAt: twoSlots ? (stamps.rotatedAt ?? published) + target.overlap + clockBound : unknownAge,',
      ],
    ],
  },
  {
    id: 'cooling-none',
    what: 'no cooling guard',
    edits: [
      [
        'engine/ages.ts',
        'coolAt: twoSlots ? published + target.overlap + clockBound : unknownAge,',
        'coolAt: unknownAge,',
      ],
    ],
  },
  {
    id: 'cooling-eps',
    what: 'cooling without ε',
    edits: [['engine/ages.ts', 'published + target.overlap + clockBound', 'published + target.overlap']],
  },
  {
    id: 'cooling-swap',
    what: 'a swap that ends the other key for a moment does not wait for the overlap',
    edits: [
      [
        'engine/checks.ts',
        "  if (swapEndsOther && now < ages.coolAt) return { kind: 'wait', reason: 'cooling', until: ages.coolAt }\n",
        '',
      ],
    ],
    exempt: {
      why: 'The service of the world exchanges its slots in one change.',
      test: 'test/engine/checks-steps.test.ts',
    },
  },
  {
    id: 'cooling-lead',
    what: 'cooling measured from the lead only',
    edits: [
      [
        'engine/ages.ts',
        '  const published = Math.max(...secrets.map((secret) => secret.stored?.created ?? unknownAge))\n',
        '  const published = lead?.created ?? unknownAge\n',
      ],
    ],
  },
  {
    id: 'announce-last',
    what: '`unannounced` is the last check',
    edits: [
      ['engine/checks.ts', "  ['unannounced', unannounced],\n", ''],
      [
        'engine/checks.ts',
        "  ['retiring', retiring],\n",
        "  ['retiring', retiring],\n  ['unannounced', unannounced],\n",
      ],
    ],
  },
  {
    id: 'announce-mark-first',
    what: '`announced` is recorded before the event is sent',
    edits: [
      [
        'engine/steps/announce.ts',
        '    return await recordAnnounced(state, await announceAll(state, context), context)\n',
        '    return await announceAll(state, context, await recordAnnounced(state, state, context))\n',
      ],
      [
        'engine/steps/announce.ts',
        'async function announceAll(state: State, context: Context): Promise<State> {\n',
        'async function announceAll(state: State, context: Context, marked: State): Promise<State> {\n',
      ],
      [
        'engine/steps/announce.ts',
        '  return send(all, state, context)\n}\n\n/** The lead last',
        '  return send(all, marked, context)\n}\n\n/** The lead last',
      ],
    ],
  },
  {
    id: 'announce-once-per-run',
    what: 'an announcement that failed counts as announced',
    edits: [
      [
        'engine/steps/announce.ts',
        '  await harmless(() => session.effect(({ signal }) => ports.announcer.announce(all, signal)))\n',
        '  await harmless(() => session.effect(({ signal }) => ports.announcer.announce(all, signal))).catch(() => undefined)\n',
      ],
    ],
  },
  {
    id: 'event-id',
    what: 'the id of KeyRetired differs each time',
    edits: [
      ['engine/events.ts', '    id: `${lead.version}/retired`,', '    id: `${lead.version}/retired/${facts.now}`,'],
    ],
  },
  {
    id: 'lead-first',
    what: 'lead written first',
    edits: [['engine/steps/write.ts', '  return [...target.secrets].reverse()', '  return [...target.secrets]']],
  },
  {
    id: 'readback-any',
    what: 'read-back believes any change',
    edits: [
      [
        'engine/steps/regenerate.ts',
        '  if (changed.includes(slot) && now >= (slot === decided.active ? activeListedAt : standbyListedAt)) return ring',
        '  if (changed.includes(slot)) return ring',
      ],
    ],
  },
  {
    id: 'took-ignored',
    what: 'waits for a listing from when a long regenerate was sent, not from its end',
    edits: [
      [
        'engine/steps/regenerate.ts',
        '  return took >= worthNoting ? { took } : {}',
        '  return took < worthNoting ? { took } : {}',
      ],
    ],
  },
  {
    id: 'move-nowait',
    what: 'promote/pending publish without waiting S+ε',
    edits: [
      [
        'engine/checks.ts',
        "  if (now < ages.standbyListedAt) return { kind: 'wait', reason, until: ages.standbyListedAt }\n",
        '',
      ],
    ],
  },
  {
    id: 'since-now',
    what: 'key age = now, not now − ε',
    edits: [
      [
        'engine/ages.ts',
        '    createdFrom: Math.max(now - clockBound, createdAfter ?? 0, revokeBefore ?? 0),',
        '    createdFrom: now,',
      ],
    ],
  },
  {
    id: 'since-noreq',
    what: 'key age ignores createdAfter/revokeBefore',
    edits: [
      [
        'engine/ages.ts',
        '    createdFrom: Math.max(now - clockBound, createdAfter ?? 0, revokeBefore ?? 0),',
        '    createdFrom: now - clockBound,',
      ],
    ],
  },
  {
    id: 'promote-from',
    what: 'promote ignores `from`',
    edits: [
      [
        'engine/checks.ts',
        '  return isAskedFor(state, state.request.promote) ? move(',
        '  return isAskedFor(state, state.request.promote && state.lead && { ...state.request.promote, from: state.lead.version }) ? move(',
      ],
    ],
  },
  {
    id: 'made-forgotten',
    what: '`created` is not recorded when the probe refuses',
    edits: [
      [
        'engine/steps/try-key.ts',
        '  const recorded = await record(pending, stamps, state, context)\n',
        '  const recorded = createdAfter === undefined ? await record(pending, stamps, state, context) : state\n',
      ],
    ],
  },
  {
    id: 'retire-early',
    what: 'retire without waiting retireAfter',
    edits: [['engine/ages.ts', '? undefined : published + retireAfter,', '? undefined : published,']],
  },
  {
    id: 'retire-again',
    what: '`retire` is never cleared: the standby is regenerated at each reconcile',
    edits: [
      [
        'engine/steps/regenerate.ts',
        '  const { retire: _, failed: __, ...before } = state.lead!.stamps!',
        '  const { failed: __, ...before } = state.lead!.stamps!',
      ],
    ],
  },
  {
    id: 'due-always',
    what: 'due whenever cool (ignores rotateEvery)',
    edits: [
      [
        'engine/checks.ts',
        '|| ages.dueAt === undefined || now < ages.dueAt) return undefined',
        '|| ages.dueAt === undefined) return undefined',
      ],
    ],
  },
  {
    id: 'due-never',
    what: 'never due',
    edits: [['engine/checks.ts', "  ['due', due],\n", '']],
  },
  {
    id: 'drift-hint',
    what: 'drift publishes the hint unprobed',
    edits: [
      [
        'engine/steps/publish.ts',
        "    if ((await probe(state, context, slot)) === 'accepted') return [slot, state, { proven: true }]\n",
        '',
      ],
    ],
  },
  {
    id: 'drift-refused',
    what: 'settling is never cut short by a refusal',
    edits: [
      [
        'engine/reconcile.ts',
        '  return reached(context, state, { vaultRefused: await refusesVault(state, context) })',
        '  return (await refusesVault(state, context)) ? state : state',
      ],
    ],
  },
  {
    id: 'ring1-wait',
    what: 'ring of one: publish only after the probe (or a crash)',
    edits: [['engine/steps/regenerate.ts', '  if (changed.includes(active!)) {', '  if (changed.length < 0) {']],
  },
  {
    id: 'ring1-held',
    what: 'ring of one: new key held back 6 h',
    edits: [
      [
        'engine/checks.ts',
        '  if (state.active) return undefined\n',
        "  if (state.active) return undefined\n  if (!state.twoSlots && state.lead && state.now < state.lead.created + 10 * 3_600_000) return { kind: 'wait', reason: 'drifted', until: state.now + 600_000 }\n",
      ],
      [
        'engine/steps/regenerate.ts',
        '  if (changed.includes(active!)) {',
        '  if (changed.includes(active!) && changed.length === 1 && !twoSlots) return state\n  if (changed.includes(active!)) {',
      ],
    ],
  },
  {
    id: 'drift-slow',
    what: 'drift is repaired only 5 h after it began',
    edits: [
      [
        'engine/checks.ts',
        '  if (state.active) return undefined\n',
        "  if (state.active) return undefined\n  if (state.lead && state.now < state.lead.created + 5 * 3_600_000) return { kind: 'wait', reason: 'drifted', until: state.now + 600_000 }\n",
      ],
    ],
  },
  {
    id: 'request-lost',
    what: 'a waiting request comes back as a resync',
    edits: [['engine/come-back.ts', "with: explicit ? 'request' : 'resync'", "with: 'resync'"]],
  },
  {
    id: 'request-dropped',
    what: 'a waiting explicit request is not kept (no `again`)',
    edits: [
      [
        'engine/outcome.ts',
        '  return { ...base, status: statusOf(state, decision), ...(again && { again }), ...(error && { error }) }',
        '  return { ...base, status: statusOf(state, decision), ...(again && {}), ...(error && { error }) }',
      ],
    ],
  },
  {
    id: 'future',
    what: 'requests from the future are accepted',
    edits: [['engine/request.ts', '  if (latest > now + clockBound) {', '  if (false) {']],
  },
  {
    id: 'misrecorded',
    what: 'drop `interrupted: record`',
    edits: [['engine/checks.ts', "  ['interrupted: record', misrecorded],\n", '']],
  },
  {
    id: 'paused',
    what: 'drop `paused`',
    edits: [['engine/checks.ts', "  ['paused', paused],\n", '']],
  },
  {
    id: 'unverified',
    what: 'believe the tags of a target that is not verified',
    edits: [
      [
        'engine/state.ts',
        '    unmanaged: target.unverified\n',
        '    unmanaged: target.unverified && live.length > 25\n',
      ],
    ],
    exempt: {
      why: 'The target of the world is one of targets.json.',
      test: 'test/engine/checks-steps.test.ts',
    },
  },
  {
    id: 'unmanaged',
    what: 'drop `unmanaged`',
    edits: [['engine/checks.ts', "  ['unmanaged', unmanaged],\n", '']],
  },
  {
    id: 'revoke-standby',
    what: 'drop `revoked: standby`',
    edits: [['engine/checks.ts', "  ['revoked: standby', standbyRevoked],\n", '']],
  },
  {
    id: 'revoke-order',
    what: '`revoked: standby` before `revoked` (kills the standby first)',
    edits: [
      ['engine/checks.ts', "  ['revoked: standby', standbyRevoked],\n", ''],
      [
        'engine/checks.ts',
        "  ['revoked', activeRevoked],\n",
        "  ['revoked: standby', standbyRevoked],\n  ['revoked', activeRevoked],\n",
      ],
    ],
  },
  {
    id: 'revoke-cuts-more',
    what: 'a revoke regenerates the standby even when new enough',
    edits: [
      [
        'engine/checks.ts',
        "  if (twoSlots && !ages.standbyRevoked) return move(state, 'revoked', ages.standbyCreatedAfter)\n",
        '',
      ],
    ],
  },
  {
    id: 'vault-before-ring',
    what: 'vault read before the service',
    edits: [
      [
        'engine/observe.ts',
        '  const ring = await holder.read(signal)\n  assertOutputs(target, ring)\n  const current = await Promise.all(target.secrets.map(({ name }) => vault.current(name, signal)))\n',
        '  const current = await Promise.all(target.secrets.map(({ name }) => vault.current(name, signal)))\n  const ring = await holder.read(signal)\n  assertOutputs(target, ring)\n',
      ],
    ],
    exempt: {
      why: 'It matters only if another client writes between the two reads; what breaks then is excused as that write.',
      test: 'test/engine/reconcile-failures.test.ts',
    },
  },
  {
    id: 'refused-take-back',
    what: '`requested` is not taken back after a refusal',
    edits: [
      [
        'engine/steps/regenerate.ts',
        '    if (changedNothing(error)) await session.finish(() => writeTags(requested, context, target.secrets[0], before))\n',
        '',
      ],
    ],
  },
  {
    id: 'vault-refused-made',
    what: 'vault refuses the publish: `created` not recorded',
    edits: [
      [
        'engine/steps/regenerate.ts',
        "    await recordCreated(waitingStamps(kept, { state: 'created', since }), error, context)\n",
        '',
      ],
    ],
  },
  {
    id: 'prove',
    what: 'no proof that tags fit before a regenerate',
    edits: [['engine/steps/regenerate.ts', '  prove(decided, context, since)\n', '']],
  },
  {
    id: 'swap-forget',
    what: 'after a swap the record goes at once',
    edits: [
      [
        'engine/steps/swap.ts',
        'nameSlot(step.to, left, exchanged, context)',
        'nameSlot(step.to, left && kept, exchanged, context)',
      ],
    ],
  },
  {
    id: 'swap-norecord',
    what: 'a swap is not recorded before',
    edits: [
      [
        'engine/steps/swap.ts',
        '  const requested = await writeTags(state, context, lead, record)\n',
        '  const requested = lead && record ? state : state\n',
      ],
    ],
  },
  {
    id: 'stamps-swap',
    what: 'published second slot keeps the first one’s ages',
    edits: [['engine/steps/publish.ts', 'slot === step.slots[0] ? step.stamps : swapped', 'step.stamps']],
  },
  {
    id: 'drift-remade',
    what: 'drift forgets that `requested` created the key anew',
    edits: [
      [
        'engine/ages.ts',
        '  const recreated = recreatedAfter(state)\n',
        '  const recreated = undefined as number | undefined\n',
      ],
    ],
  },
  // The rules that came later.
  {
    id: 'proven-ignored',
    what: 'no verdict publishes although a probe of the target was once accepted',
    edits: [['engine/probe.ts', '  if (proven) return { publish: false, until, unanswered }\n', '']],
  },
  {
    id: 'no-second-attempt',
    what: 'a target whose probe was never answered publishes at the first lost answer',
    edits: [
      [
        'engine/probe.ts',
        '  if (now < second) return { publish: false, until: Math.min(second, giveUp), unanswered }\n',
        '',
      ],
    ],
  },
  {
    id: 'verdict-now',
    what: 'no verdict publishes at once, proven or not',
    edits: [
      [
        'engine/probe.ts',
        '  if (now >= giveUp) return { publish: true, proven: false }\n',
        '  if (giveUp !== undefined) return { publish: true, proven: false }\n',
      ],
    ],
  },
  {
    id: 'revoke-waits-a-day',
    what: 'a revoke waits for a verdict as long as a rotation',
    edits: [['engine/probe.ts', '  revoke: minutes(10),', '  revoke: days(1),']],
  },
  {
    id: 'verdict-never',
    what: 'a key without a verdict waits for ever',
    edits: [
      ['engine/probe.ts', '  if (now >= giveUp) return { publish: true, proven: false }\n', ''],
      [
        'engine/probe.ts',
        '  const until = Math.min(now + pause({ ...waiting, tried: Math.max(waiting.tried, unanswered) }), giveUp)',
        '  const until = now + pause({ ...waiting, tried: Math.max(waiting.tried, unanswered) })',
      ],
    ],
  },
  {
    id: 'proven-never',
    what: 'that a probe was accepted is not recorded',
    edits: [
      [
        'engine/probe.ts',
        "  if (evidence === 'accepted') return { publish: true, proven: true }\n",
        "  if (evidence === 'accepted') return { publish: true }\n",
      ],
      ['engine/steps/try-key.ts', '{ ...kept, ...(tried.accepted ? { proven: true } : {}) }', '{ ...kept }'],
      ['engine/steps/publish.ts', 'return [slot, state, { proven: true }]', 'return [slot, state, {}]'],
    ],
  },
  {
    id: 'made-age-lost',
    what: 'a record of a request forgets that a key was created before',
    edits: [
      [
        'engine/steps/regenerate.ts',
        "  return { ...stamps, ...(pending?.state === 'created' ? { standbyCreatedAfter: pending.since } : {}) }",
        '  return pending ? stamps : stamps',
      ],
    ],
  },
  {
    id: 'late-output-leads',
    what: 'a late write of an older output takes the lead back',
    edits: [
      [
        'engine/checks.ts',
        '  return active === undefined || stamps.target === undefined || replacesLead\n',
        '  return active === undefined || stamps.target === undefined || replacesLead || !replacesLead\n',
      ],
    ],
  },
  {
    id: 'window-ignored',
    what: 'a due rotation ignores the window',
    edits: [['engine/checks.ts', '  if (!isOpen(state)) return undefined\n', '']],
  },
  {
    id: 'revoke-gives-up',
    what: 'a revoke that needs an operator is not tried again',
    edits: [
      [
        'engine/come-back.ts',
        'return isRevoke(request) && !endsRevokes.has(code) ? revokeInterval : undefined',
        'return undefined',
      ],
    ],
  },
  {
    id: 'behind-not-noted',
    what: 'a version does not note that it covers one that was never announced',
    edits: [
      [
        'engine/steps/write.ts',
        '  return covered.stamps.behind || (own && !covered.stamps.announced) ? { behind: true } : {}',
        '  return own && covered.stamps.behind ? {} : {}',
      ],
    ],
  },
  {
    id: 'behind-not-announced',
    what: 'a covered version is not announced',
    edits: [
      [
        'engine/steps/announce.ts',
        '    ...(covering.length === 0 ? [] : await supersededEvents(state, covering, context)),\n',
        '',
      ],
    ],
  },
  {
    id: 'behind-not-carried',
    what: 'a version that covers one which covers another forgets the older',
    edits: [
      [
        'engine/steps/write.ts',
        '  return covered.stamps.behind || (own && !covered.stamps.announced) ? { behind: true } : {}',
        '  return own && !covered.stamps.announced && !covered.stamps.behind ? { behind: true } : {}',
      ],
    ],
  },
  {
    id: 'behind-newest-first',
    what: 'covered versions are announced newest first',
    edits: [
      [
        'engine/steps/superseded-versions.ts',
        '    .toSorted((one, other) => one.created - other.created)',
        '    .toSorted((one, other) => other.created - one.created)',
      ],
    ],
  },
  {
    id: 'under-way-ignored',
    what: 'a regenerate that is still under way is not waited for',
    edits: [
      [
        'engine/observe.ts',
        '  return now < until && (await operation.isUnderWay(signal)) ? until : undefined',
        '  return now < until && (await operation.isUnderWay(signal)) && now < 0 ? until : undefined',
      ],
      ['engine/steps/regenerate.ts', '  if (!operation) return true\n', '  if (operation || !operation) return true\n'],
    ],
  },
  {
    id: 'created-unseen',
    what: 'a key whose regenerate was over unseen is created once more',
    edits: [['engine/checks.ts', "  ['interrupted: created', createdUnseen],\n", '']],
  },
  {
    id: 'repair-rotates',
    what: 'a repair does what is due as well',
    edits: [
      [
        'engine/checks.ts',
        '  if (request.comparedAfter !== undefined || ages.dueAt === undefined',
        '  if (ages.dueAt === undefined',
      ],
      [
        'engine/checks.ts',
        '  if (request.comparedAfter !== undefined || ages.retiresAt === undefined',
        '  if (ages.retiresAt === undefined',
      ],
    ],
  },
  {
    id: 'revoke-young-enough',
    what: 'a key a minute older than a revoke is new enough for it, whoever created it',
    edits: [
      [
        'engine/ages.ts',
        "  return age >= before || (stamps.reason === 'revoked' && isAsNew(age, before))",
        '  return isAsNew(age, before)',
      ],
    ],
  },
  {
    id: 'waiting-key-spared',
    what: 'a revoke spares a key that was created before it and waits, because an older revoke published the active one',
    edits: [['engine/ages.ts', '!stamps.retire && !waits && ', '!stamps.retire && ']],
  },
]
