import { describe, expect, it } from 'vitest'
import { parseManifest } from './images.ts'

describe('parseManifest', () => {
  it('reads the names and the configuration that stands for the content', () => {
    const text = JSON.stringify([{ Config: 'abc.json', RepoTags: ['localhost/x:1'], Layers: ['l.tar'] }])
    expect(parseManifest(text)).toEqual({ names: ['localhost/x:1'], config: 'abc.json' })
  })

  it('knows an image without a name', () => {
    expect(parseManifest(JSON.stringify([{ Config: 'abc.json', RepoTags: null }])).names).toEqual([])
  })

  it('refuses an archive without an image', () => {
    expect(() => parseManifest('[]')).toThrow('no image')
  })
})
