// The accounts of `npm start`: one of each kind of history that a target can have.

import { type SampleEstate, type SampleTarget, tutorialTags } from '../sample.ts'

const day = 86_400_000

export function cognitiveEstate({ cloud, vault, now, group, leave, due }: SampleEstate): readonly SampleTarget[] {
  const accounts = cloud.cognitiveServices
  // An account of before July 2019: it has no custom subdomain and answers at the host of its region; its keys are hexadecimal.
  const vision = accounts.add({
    ...group,
    name: 'contoso-vision',
    kind: 'ComputerVision',
    customSubdomain: 'none',
    keys: 'hex',
  })
  due({ target: 'vision', slot: 'Key1', address: vision.resourceId, values: { 'vision-key': vision.keyOf('Key1') } })

  // Rotated until now by Microsoft's tutorial: its three tags, none of ours.
  const speech = accounts.add({ ...group, name: 'contoso-speech', kind: 'SpeechServices' })
  vault.set('speech-key', speech.keyOf('Key2'), {
    tags: tutorialTags('Key2', speech.resourceId),
    createdAt: now - 70 * day,
    expires: now + 20 * day,
  })

  // Shown at Translator's own host, tried at the host of its region.
  const translator = accounts.add({
    ...group,
    name: 'contoso-translator',
    kind: 'TextTranslation',
    customSubdomain: 'none',
  })
  const translated = { 'translator-key': translator.keyOf('Key2') }
  leave({ target: 'translator', slot: 'Key2', address: translator.resourceId, values: translated, age: 10 * day })

  // An operator regenerated the key in the portal: the service refuses the key in the vault.
  const documents = accounts.add({ ...group, name: 'contoso-documents', kind: 'FormRecognizer' })
  const old = { 'documents-key': documents.keyOf('Key1') }
  leave({ target: 'documents', slot: 'Key1', address: documents.resourceId, values: old, age: 20 * day })
  documents.regenerateByHand('Key1')

  // An operator disabled the secret: nothing happens until it is enabled again.
  const archive = accounts.add({ ...group, name: 'contoso-archive' })
  due({
    target: 'archive',
    slot: 'Key1',
    address: archive.resourceId,
    values: { 'archive-key': archive.keyOf('Key1') },
  })
  vault.disable('archive-key')

  const target = (
    name: string,
    { resourceId }: { resourceId: string },
    expected: SampleTarget['expected'] & string,
  ) => ({
    name,
    fields: { resource: resourceId },
    secrets: { [`${name}-key`]: 'key' },
    expected,
  })
  return [
    target('vision', vision, 'changed'),
    target('speech', speech, 'changed'),
    target('translator', translator, 'current'),
    target('documents', documents, 'changed'),
    target('archive', archive, 'paused'),
  ]
}
