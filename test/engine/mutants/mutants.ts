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
    what: 'settling: ignore `asked`',
    edits: [['engine/checks.ts', 'if (asked === undefined || !at.active) return undefined', 'return undefined']],
  },
  {
    id: 'settling-unseen',
    what: 'settling: ignore own unseen values',
    edits: [['engine/checks.ts', 'if (unseen.length > 0 && !at.refused) {', 'if (false) {']],
  },
  {
    id: 'interrupted',
    what: 'drop `interrupted` check',
    edits: [['engine/checks.ts', "  ['interrupted', interrupted],\n", '']],
  },
  {
    id: 'asked',
    what: 'drop the `asked` record before a regenerate',
    edits: [
      [
        'engine/steps/regenerate.ts',
        "  await tag(work, lead, { ...kept, pending: { state: 'requested', since } }, { slot: leadIn(work).slot ?? at.active! })\n",
        '',
      ],
    ],
  },
  {
    id: 'tag-not-value',
    what: 'active slot = `CredentialId` tag, not the value',
    edits: [
      [
        'engine/situation.ts',
        '  const slots = liveSlots(ring, name, lead)\n  return slots.find',
        '  if (inRing(ring, noted)) return inRing(ring, noted)\n  const slots = liveSlots(ring, name, lead)\n  return slots.find',
      ],
    ],
  },
  {
    id: 'publish-before-probe',
    what: 'publish without probing',
    edits: [
      [
        'engine/proof.ts',
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
        'engine/proof.ts',
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
        '    if (error.details.outcomeUnknown) return readBack(work, step.slot, at, error)',
        '    if (error.details.outcomeUnknown) { try { return await session.effect((call) => holder.regenerate(step.slot, call)) } catch { return readBack(work, step.slot, at, error) } }',
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
        '    if (!lease) return busy(target, request, ports)',
        '    if (!lease) lease = { renew: async () => true, release: async () => undefined }',
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
    edits: [['engine/reconcile.ts', 'Math.max(after, seconds(150))', 'after']],
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
        'engine/checks.ts',
        '  return at.published + at.target.overlap + clockBound',
        '  return (at.stamps.rotatedAt ?? at.published) + at.target.overlap + clockBound',
      ],
    ],
  },
  {
    id: 'cooling-none',
    what: 'no cooling guard',
    edits: [
      [
        'engine/checks.ts',
        '  return at.published + at.target.overlap + clockBound',
        '  return Number.NEGATIVE_INFINITY',
      ],
    ],
  },
  {
    id: 'cooling-eps',
    what: 'cooling without ε',
    edits: [['engine/checks.ts', 'at.target.overlap + clockBound', 'at.target.overlap']],
  },
  {
    id: 'cooling-lead',
    what: 'cooling measured from the lead only',
    edits: [
      [
        'engine/situation.ts',
        'published: Math.max(...target.secrets.map((secret) => stored[secret.name]?.created ?? unknownAge)),',
        'published: lead?.created ?? unknownAge,',
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
        '  await harmless(() => session.effect(({ signal }) => ports.announcer.announce(tellings, signal)))\n  work.eventId',
        '  work.eventId',
      ],
      [
        'engine/steps/announce.ts',
        '  await recordAnnounced(work, news, retired)\n',
        '  await recordAnnounced(work, news, retired)\n  await harmless(() => session.effect(({ signal }) => ports.announcer.announce(tellings, signal)))\n',
      ],
    ],
  },
  {
    id: 'announce-once-per-run',
    what: 'an announcement that failed counts as announced',
    edits: [
      [
        'engine/steps/announce.ts',
        '  await harmless(() => session.effect(({ signal }) => ports.announcer.announce(tellings, signal)))\n',
        '  await harmless(() => session.effect(({ signal }) => ports.announcer.announce(tellings, signal))).catch(() => undefined)\n',
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
    edits: [['engine/work.ts', '  return [...work.target.secrets].reverse()', '  return [...work.target.secrets]']],
  },
  {
    id: 'readback-any',
    what: 'read-back believes any change',
    edits: [
      ['engine/steps/regenerate.ts', '  if (changed && now >= listed) return ring', '  if (changed) return ring'],
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
    edits: [['engine/checks.ts', '  if (at.now < settled) return { reason, until: settled }\n', '']],
  },
  {
    id: 'since-now',
    what: 'key age = now, not now − ε',
    edits: [
      [
        'engine/steps/regenerate.ts',
        'Math.max(ports.clock.now() - clockBound, request.createdAfter ?? 0, request.revokeBefore ?? 0)',
        'ports.clock.now()',
      ],
    ],
  },
  {
    id: 'since-noreq',
    what: 'key age ignores createdAfter/revokeBefore',
    edits: [
      [
        'engine/steps/regenerate.ts',
        'Math.max(ports.clock.now() - clockBound, request.createdAfter ?? 0, request.revokeBefore ?? 0)',
        'ports.clock.now() - clockBound',
      ],
    ],
  },
  {
    id: 'promote-from',
    what: 'promote ignores `from`',
    edits: [
      [
        'engine/checks.ts',
        "wish.slot !== standbySlot(at) || wish.from !== at.lead?.version)\n    return undefined\n  return move(at, 'promoted', {})",
        "wish.slot !== standbySlot(at))\n    return undefined\n  return move(at, 'promoted', {})",
      ],
    ],
  },
  {
    id: 'made-forgotten',
    what: '`made` is not recorded when the probe refuses',
    edits: [
      [
        'engine/steps/wait-for-verdict.ts',
        '  await record(work, pendingOf(made,',
        '  if (made === undefined) await record(work, pendingOf(made,',
      ],
    ],
  },
  {
    id: 'retire-early',
    what: 'retire without waiting retireAfter',
    edits: [['engine/checks.ts', '    at.now < at.published + after\n', '    at.now < at.published\n']],
  },
  {
    id: 'retire-again',
    what: '`retire` is never cleared: the standby is regenerated at each reconcile',
    edits: [
      [
        'engine/steps/regenerate.ts',
        '  const { retire: _, failed: __, ...kept } = leadIn(work).stamps!',
        '  const { failed: __, ...kept } = leadIn(work).stamps!',
      ],
    ],
  },
  {
    id: 'due-always',
    what: 'due whenever cool (ignores rotateEvery)',
    edits: [
      [
        'engine/checks.ts',
        '  if (!at.lead || at.now < soonestDue(at.target, at.lead, Object.values(at.stored))) return undefined\n',
        '  if (!at.lead) return undefined\n',
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
        "    if ((await probe(work, slot)) === 'accepted') return { slot, proven: true }\n",
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
        "if (next?.reason === 'settling' && (await refusesTheVault(work, at)) === 'refused') {",
        'if (false) {',
      ],
    ],
  },
  {
    id: 'ring1-wait',
    what: 'ring of one: publish only after the probe (or a crash)',
    edits: [['engine/steps/regenerate.ts', '  if (changed.includes(at.active!)) {', '  if (false) {']],
  },
  {
    id: 'ring1-held',
    what: 'ring of one: new key held back 6 h',
    edits: [
      [
        'engine/checks.ts',
        'function drifted(at: Situation): Plan | undefined {\n  if (at.active) return undefined\n',
        "function drifted(at: Situation): Plan | undefined {\n  if (at.active) return undefined\n  if (!hasTwoSlots(at.ring) && at.lead && at.now < at.lead.created + 10 * 3_600_000) return { reason: 'drifted', until: at.now + 600_000 }\n",
      ],
      [
        'engine/steps/regenerate.ts',
        '  if (changed.includes(at.active!)) {',
        '  if (changed.includes(at.active!) && changed.length === 1 && !hasTwoSlots(before)) return undefined\n  if (changed.includes(at.active!)) {',
      ],
    ],
  },
  {
    id: 'drift-slow',
    what: 'drift is repaired only 5 h after it began',
    edits: [
      [
        'engine/checks.ts',
        'function drifted(at: Situation): Plan | undefined {\n  if (at.active) return undefined\n',
        "function drifted(at: Situation): Plan | undefined {\n  if (at.active) return undefined\n  if (at.lead && at.now < at.lead.created + 5 * 3_600_000) return { reason: 'drifted', until: at.now + 600_000 }\n",
      ],
    ],
  },
  {
    id: 'request-lost',
    what: 'a waiting request comes back as a resync',
    edits: [['engine/reconcile.ts', "with: isExplicit(request) ? 'request' : 'resync' }", "with: 'resync' }"]],
  },
  {
    id: 'request-dropped',
    what: 'a waiting explicit request is not kept (no `again`)',
    edits: [['engine/reconcile.ts', '    ...(again && !dropped ? { again } : {}),', '']],
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
    what: 'a revoke regenerates the standby even when fresh enough',
    edits: [
      [
        'engine/checks.ts',
        "  if (hasTwoSlots(at.ring) && standbySurvives(at.stamps, before))\n    return move(at, 'revoked', { rotatedAt: at.standbyCreatedAfter })\n",
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
    what: '`asked` is not taken back after a refusal',
    edits: [
      [
        'engine/steps/regenerate.ts',
        '    if (changedNothing(error)) await work.session.finish(() => tag(work, leadOf(work.target), before))\n    throw error',
        '    throw error',
      ],
    ],
  },
  {
    id: 'vault-refused-made',
    what: 'vault refuses the publish: `made` not recorded',
    edits: [
      [
        'engine/steps/regenerate.ts',
        "    await recordMade(work, waitingStamps(kept, { state: 'created', since }), error)\n",
        '',
      ],
    ],
  },
  {
    id: 'prove',
    what: 'no proof that tags fit before a regenerate',
    edits: [['engine/steps/regenerate.ts', '  prove(work, since)\n', '']],
  },
  {
    id: 'swap-forget',
    what: 'after a swap the record goes at once',
    edits: [
      [
        'engine/steps/swap.ts',
        "rename(work, step.to, { ...kept, pending: { state: 'requested', since: ports.clock.now() } })",
        'rename(work, step.to, kept)',
      ],
    ],
  },
  {
    id: 'swap-norecord',
    what: 'a swap is not recorded before',
    edits: [
      [
        'engine/steps/swap.ts',
        "  await tag(work, leadOf(target), { ...kept, pending: { state: 'requested', since: ports.clock.now() - clockBound } })\n",
        '',
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
    what: 'drift forgets that `asked` made the key anew',
    edits: [
      ['engine/checks.ts', '  const asked = remadeAt(at)\n', '  const asked = undefined as number | undefined\n'],
    ],
  },
  // The rules that came later.
  {
    id: 'proven-ignored',
    what: 'no verdict publishes although a probe of the target was once accepted',
    edits: [['engine/proof.ts', '  if (proven) return { publish: false, until, unanswered }\n', '']],
  },
  {
    id: 'no-second-attempt',
    what: 'a target whose probe was never answered publishes at the first lost answer',
    edits: [
      [
        'engine/proof.ts',
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
        'engine/proof.ts',
        '  if (now >= giveUp) return { publish: true, proven: false }\n',
        '  if (giveUp !== undefined) return { publish: true, proven: false }\n',
      ],
    ],
  },
  {
    id: 'revoke-waits-a-day',
    what: 'a revoke waits for a verdict as long as a rotation',
    edits: [['engine/proof.ts', '  revoke: minutes(10),', '  revoke: days(1),']],
  },
  {
    id: 'verdict-never',
    what: 'a key without a verdict waits for ever',
    edits: [
      ['engine/proof.ts', '  if (now >= giveUp) return { publish: true, proven: false }\n', ''],
      [
        'engine/proof.ts',
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
        'engine/proof.ts',
        "  if (evidence === 'accepted') return { publish: true, proven: true }\n",
        "  if (evidence === 'accepted') return { publish: true }\n",
      ],
      ['engine/steps/wait-for-verdict.ts', '    ...(tried.accepted ? { proven: true } : {}),\n', ''],
      ['engine/steps/publish.ts', 'return { slot, proven: true }', 'return { slot }'],
    ],
  },
  {
    id: 'made-age-lost',
    what: 'a record of asking forgets that a key was made before',
    edits: [
      [
        'engine/steps/regenerate.ts',
        '  return { ...withoutPending(recorded), ...(made === undefined ? {} : { standbyCreatedAfter: made }) }',
        '  return withoutPending(recorded)',
      ],
    ],
  },
  {
    id: 'late-output-leads',
    what: 'a late write of an older output takes the lead back',
    edits: [['engine/checks.ts', '    if (!followsLead(at, ahead.stamps!)) continue\n', '']],
  },
  {
    id: 'window-ignored',
    what: 'a due rotation ignores the window',
    edits: [['engine/checks.ts', '  if (!open) return undefined\n', '']],
  },
  {
    id: 'revoke-gives-up',
    what: 'a revoke that needs an operator is not tried again',
    edits: [
      [
        'engine/failed-reconcile.ts',
        '  return isRevoke(request) && !endsRevokes.has(code) ? revokeInterval : undefined',
        '  return undefined',
      ],
    ],
  },
  {
    id: 'behind-not-noted',
    what: 'a version does not note that it covers one that was never announced',
    edits: [
      [
        'engine/steps/superseded-versions.ts',
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
        'engine/steps/superseded-versions.ts',
        '  if (behind.length === 0) return []\n',
        '  if (behind.length >= 0) return []\n',
      ],
    ],
  },
  {
    id: 'behind-not-carried',
    what: 'a version that covers one which covers another forgets the older',
    edits: [
      [
        'engine/steps/superseded-versions.ts',
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
        '  return operation && now < until && (await operation.isUnderWay(signal)) ? until : undefined',
        '  return operation && now < until && (await operation.isUnderWay(signal)) && now < 0 ? until : undefined',
      ],
      ['engine/steps/regenerate.ts', '  if (!operation) return true\n', '  if (operation || !operation) return true\n'],
    ],
  },
  {
    id: 'repair-rotates',
    what: 'a repair does what is due as well',
    edits: [
      ['engine/checks.ts', '  return request.comparedAfter !== undefined\n', '  return request.comparedAfter === 0\n'],
    ],
  },
  {
    id: 'revoke-young-enough',
    what: 'a key a minute older than a revoke is young enough for it, whoever made it',
    edits: [
      [
        'engine/satisfied.ts',
        "  return age >= before || (stamps.reason === 'revoked' && isAsGood(age, before))",
        '  return isAsGood(age, before)',
      ],
    ],
  },
  {
    id: 'waiting-key-spared',
    what: 'a revoke spares a key that was made before it and waits, because an older revoke published the active one',
    edits: [['engine/satisfied.ts', '!stamps.retire && !waits && ', '!stamps.retire && ']],
  },
]
