import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import {
  bookmark,
  eventually,
  hang,
  line,
  page,
  pod,
  reflecting,
  stream,
  tooOld,
} from './testing/reflecting.ts'
import { json, refusal } from './testing/scripted-server.ts'

test('a list is read in chunks, and the watch asks for bookmarks from there', async () => {
  const { store, names, server } = await reflecting({
    list: ({ query }, response) =>
      json(response, query.continue ? page([pod('b', 2)], '7') : page([pod('a', 1)], '7', 'more')),
    watch: hang,
  })
  await store.synced
  expect(names()).toEqual(['a1', 'b2'])
  expect(store.get('shop', 'a')).toMatchObject({ apiVersion: 'v1', kind: 'Pod' })
  expect(store.get('shop', 'a')?.metadata).not.toHaveProperty('managedFields')
  await eventually(() => expect(server.seen).toHaveLength(3))
  const [first, second, third] = server.seen
  expect(first).toMatchObject({
    path: '/api/v1/namespaces/shop/pods',
    query: { limit: '250', labelSelector: 'a=1,b=2' },
  })
  expect(second?.query).toMatchObject({ limit: '250', continue: 'more' })
  expect(third?.query).toMatchObject({ watch: '1', allowWatchBookmarks: 'true', resourceVersion: '7' })
  const seconds = Number(third?.query.timeoutSeconds)
  expect(seconds >= 300 && seconds <= 600).toBe(true)
})

test('a list that grew too old in its middle is read anew, and complete only then', async () => {
  const { store, names, requests, seen } = await reflecting({
    list: ({ query }, response, call) => {
      if (call === 0) json(response, page([pod('old', 1)], '3', 'more'))
      else if (query.continue) refusal(response, 410, 'Expired')
      else json(response, page([pod('new', 5)], '6'))
    },
    watch: hang,
  })
  await store.synced
  expect(names()).toEqual(['new5'])
  expect(seen()).toEqual(['added old', 'added new', 'deleted old'])
  expect(requests().slice(0, 3)).toEqual(['list', 'list more', 'list'])
})

test('a kind that the API server does not know may count as one without objects, until it does', async () => {
  let served = false
  const { store, names } = await reflecting(
    {
      list: (_, response) =>
        served ? json(response, page([pod('a', 1)], '2')) : refusal(response, 404, 'NotFound'),
      watch: hang,
    },
    {},
    true,
  )
  await store.synced
  expect(names()).toEqual([])
  served = true
  await eventually(() => expect(names()).toEqual(['a1']))
})

test('what was listed once is not taken for gone when the API server forgets the kind', async () => {
  const { store, names, requests } = await reflecting(
    {
      list: (_, response, call) =>
        call === 0 ? json(response, page([pod('a', 1)], '2')) : refusal(response, 404, 'NotFound'),
      watch: (_, response, call) => (call === 0 ? refusal(response, 410, 'Expired') : stream(response)),
    },
    {},
    true,
  )
  await store.synced
  await eventually(() => expect(requests().filter(each => each === 'list').length).toBeGreaterThan(2))
  expect(names()).toEqual(['a1'])
})

test('what is known of a kind: unread, unserved, served, and unserved again without losing the copy', async () => {
  let served = false
  const { store, names } = await reflecting(
    {
      list: (_, response) =>
        served ? json(response, page([pod('a', 1)], '2')) : refusal(response, 404, 'NotFound'),
      watch: (_, response) => (served ? stream(response) : refusal(response, 404, 'NotFound')),
    },
    { unservedMs: 20 },
  )
  const states = [store.serving.state]
  store.onServing(() => states.push(store.serving.state))
  await eventually(() => expect(states).toEqual(['unread', 'unserved']))
  served = true
  await store.synced
  served = false
  await eventually(() => expect(states).toEqual(['unread', 'unserved', 'served', 'unserved']))
  expect(names()).toEqual(['a1'])
})

test('a kind of which no list comes is told by and by, and served when one comes', async () => {
  let works = false
  const { store } = await reflecting({
    list: (_, response) => (works ? json(response, page([], '2')) : refusal(response, 500, 'InternalError')),
    watch: hang,
  })
  expect(store.serving.state).toBe('unread')
  await eventually(() => expect(store.serving).toMatchObject({ state: 'refused' }))
  works = true
  await eventually(() => expect(store.serving).toEqual({ state: 'served' }))
})

test('a kind that may not be listed is refused, with the words of the API server', async () => {
  const { store } = await reflecting({
    list: (_, response) => refusal(response, 403, 'Forbidden'),
    watch: hang,
  })
  await eventually(() => expect(store.serving).toMatchObject({ state: 'refused' }))
})

test('events change the copy, also when they come in pieces', async () => {
  const text = line('ADDED', pod('b', 2)) + line('MODIFIED', pod('a', 3)) + line('DELETED', pod('b', 4))
  const { seen, names } = await reflecting({
    watch: (_, response) => {
      stream(response, text.slice(0, 50))
      setImmediate(() => response.write(text.slice(50)))
    },
  })
  await eventually(() => expect(seen()).toEqual(['added a', 'added b', 'updated a', 'deleted b']))
  expect(names()).toEqual(['a3'])
})

test('a watch that ended goes on after the last event or bookmark, without a new list', async () => {
  const { requests } = await reflecting({
    watch: (_, response, call) => {
      if (call === 0) response.end(line('ADDED', pod('b', 5)))
      else if (call === 1) response.end(bookmark('9'))
      else stream(response)
    },
  })
  await eventually(() => expect(requests()).toEqual(['list', 'watch from 1', 'watch from 5', 'watch from 9']))
})

test('a line cut by a broken connection is neither used nor lost', async () => {
  const { seen, requests } = await reflecting({
    watch: (_, response, call) => {
      if (call > 0) return stream(response, line('ADDED', pod('c', 6)))
      stream(response, line('ADDED', pod('b', 5)) + line('ADDED', pod('c', 6)).slice(0, 30))
      setTimeout(() => response.destroy(), 20)
    },
  })
  await eventually(() => expect(seen()).toEqual(['added a', 'added b', 'added c']))
  expect(requests()).toEqual(['list', 'watch from 1', 'watch from 5'])
})

const waysToBeTooOld: { title: string; answer: (response: ServerResponse) => void }[] = [
  { title: 'the status 410', answer: response => refusal(response, 410, 'Expired') },
  { title: 'an ERROR event', answer: response => response.end(tooOld) },
]

test.each(waysToBeTooOld)(
  'after $title the list is read anew and the difference told',
  async ({ answer }) => {
    const { seen, requests } = await reflecting({
      list: (_, response, call) => {
        const items =
          call === 0 ? [pod('a', 1), pod('b', 1), pod('c', 1)] : [pod('b', 8), pod('c', 1), pod('d', 7)]
        json(response, page(items, call === 0 ? '1' : '9'))
      },
      watch: (_, response, call) => (call === 0 ? answer(response) : stream(response)),
    })
    await eventually(() => expect(requests()).toEqual(['list', 'watch from 1', 'list', 'watch from 9']))
    expect(seen().slice(3)).toEqual(['updated b', 'added d', 'deleted a'])
  },
)

test('an object made anew under its name is deleted and added', async () => {
  const { seen } = await reflecting({
    watch: (_, response) => stream(response, line('MODIFIED', pod('a', 5, 'uid-other'))),
  })
  await eventually(() => expect(seen()).toEqual(['added a', 'deleted a', 'added a']))
})

test('the same state twice is told once', async () => {
  const { seen } = await reflecting({
    watch: (_, response) =>
      stream(
        response,
        line('ADDED', pod('a', 1)),
        line('MODIFIED', pod('a', 2)),
        line('MODIFIED', pod('a', 2)),
      ),
  })
  await eventually(() => expect(seen()).toEqual(['added a', 'updated a']))
})

test('a half-open connection is left after the idle limit', async () => {
  const { requests } = await reflecting({ watch: hang }, { idleMs: 40 })
  await eventually(() => expect(requests().slice(0, 3)).toEqual(['list', 'watch from 1', 'watch from 1']))
})

test('what is no event leads to a new list', async () => {
  const { requests } = await reflecting({
    watch: (_, response, call) => stream(response, call === 0 ? 'oops\n' : ''),
  })
  await eventually(() => expect(requests().slice(0, 3)).toEqual(['list', 'watch from 1', 'list']))
})

test('errors of the server are waited out, however many come', async () => {
  const { store, names } = await reflecting({
    list: (_, response, call) =>
      call < 6
        ? refusal(response, [500, 403, 429, 503, 401, 404][call] ?? 500, '')
        : json(response, page([pod('a', 1)], '1')),
    watch: hang,
  })
  await store.synced
  expect(names()).toEqual(['a1'])
})

test('a server that ends each watch at once is not asked in a tight circle', async () => {
  const { store, requests, server } = await reflecting(
    { watch: (_, response) => void response.end() },
    { baseMs: 40, maxMs: 10_000 },
  )
  await store.synced
  await eventually(() => expect(server.seen.length).toBeGreaterThanOrEqual(4))
  const started = performance.now()
  const before = requests().length
  await eventually(() => expect(performance.now() - started).toBeGreaterThan(200))
  expect(requests().length - before).toBeLessThanOrEqual(3)
})

test('a stop ends it at once, whatever it does', async () => {
  const connecting = await reflecting({ list: () => {}, watch: hang })
  await eventually(() => expect(connecting.server.seen).toHaveLength(1))
  await connecting.store.stop()
  await expect(connecting.store.synced).rejects.toMatchObject({ code: 'Unavailable' })

  const open = await reflecting({ watch: hang })
  await eventually(() => expect(open.server.seen).toHaveLength(2))
  await open.store.stop()

  const waiting = await reflecting(
    { list: (_, response) => refusal(response, 500, ''), watch: hang },
    { baseMs: 60_000, maxMs: 60_000 },
  )
  await eventually(() => expect(waiting.server.seen).toHaveLength(1))
  await waiting.store.stop()
})
