import { expect, test } from 'vitest'
import { bookmark, eventually, line, page, pod, reflecting, stream } from './testing/reflecting.ts'
import { json, refusal } from './testing/scripted-server.ts'

const endOfAll = { 'k8s.io/initial-events-end': 'true' }
const told = (resourceVersion: string) =>
  line('BOOKMARK', { metadata: { resourceVersion, annotations: endOfAll } })

test('a copy that became old is compared with all that exists as its next watch begins: what was lost is found', async () => {
  const { names, seen, requests, server } = await reflecting(
    {
      watch: (_, response, call) => {
        if (call === 0) return response.end(line('ADDED', pod('b', 5)))
        // Since then a was deleted, b changed and c was made; nothing of it was told.
        stream(response, line('ADDED', pod('c', 7)) + line('ADDED', pod('b', 6)) + told('9'))
      },
    },
    { renewMs: 0 },
  )
  await eventually(() => expect(names()).toEqual(['b6', 'c7']))
  expect(seen()).toContain('deleted a')
  expect(requests().slice(0, 3)).toEqual(['list', 'watch from 1', 'watch from 5'])
  expect(server.seen[2]?.query).toMatchObject({
    sendInitialEvents: 'true',
    resourceVersionMatch: 'NotOlderThan',
  })
})

test('a watch that broke before all was told takes nothing away, and the next one begins anew', async () => {
  const { names, seen, requests } = await reflecting(
    {
      watch: (_, response, call) => {
        if (call < 2) response.end(line('ADDED', pod('b', 5 + call)))
        else stream(response, line('ADDED', pod('a', 1)) + line('ADDED', pod('b', 6)) + told('9'))
      },
    },
    { renewMs: 0 },
  )
  await eventually(() => expect(requests()).toEqual(['list', 'watch from 1', 'watch from 5', 'watch from 5']))
  expect(names()).toEqual(['a1', 'b6'])
  expect(seen()).not.toContain('deleted a')
})

test('where a server cannot tell all that exists, a list does', async () => {
  const { names, requests } = await reflecting(
    {
      list: (_, response, call) =>
        json(response, page(call === 0 ? [pod('a', 1)] : [pod('b', 4)], String(1 + call))),
      watch: ({ query }, response, call) => {
        if (query.sendInitialEvents) refusal(response, 422, 'Invalid')
        else if (call === 0) response.end(bookmark('3'))
        else stream(response)
      },
    },
    { renewMs: 0 },
  )
  await eventually(() => expect(names()).toEqual(['b4']))
  await eventually(() =>
    expect(requests()).toEqual(['list', 'watch from 1', 'watch from 3', 'list', 'watch from 2']),
  )
})
