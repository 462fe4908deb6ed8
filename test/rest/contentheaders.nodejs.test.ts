// Which types and names an upload may have: those that the network's nodes take.

import { expect, it } from 'vitest'
import { filenameIn, isFilename, isKnownType, typeIn } from '../../src/rest/contentheaders.ts'

it.each([
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.ms-excel',
  'application/x-tar',
  'application/x-7z-compressed',
  'application/x-rar-compressed',
  'application/x-bzip2',
  'application/x-xz',
  'application/x-sh',
  'application/rtf',
  'application/octet-stream',
  'application/x-bittorrent',
  'application/x-iso9660-image',
  'application/x-zip-compressed',
  'audio/x-wav',
  'audio/x-flac',
  'image/x-icon',
  'video/x-matroska',
  'text/x-c',
  'text/nim',
  'Text/Plain',
])('the type %s is one of files', (type) => {
  expect(isKnownType(type)).toBe(true)
})

it.each([
  'hello/world',
  'plain/text',
  'invalid/mimetype',
  'multipart/form-data',
  'application/x-www-form-urlencoded',
  'constructor',
])('the type %s is none', (type) => {
  expect(isKnownType(type)).toBe(false)
})

it('a type loses its parameters, and nothing else', () => {
  expect(typeIn(' Text/Plain; charset=utf-8')).toBe('Text/Plain')
  expect([typeIn(undefined), typeIn(''), typeIn(' ;x')]).toEqual([undefined, undefined, undefined])
})

it('a name that is empty is one, and refused', () => {
  expect(filenameIn('attachment; filename=""')).toBe('')
  expect(filenameIn('attachment')).toBeUndefined()
  expect(isFilename('')).toBe(false)
})

it('names are as plain as nodes want them', () => {
  for (const name of ['a', 'a.b', '.bashrc', 'a.b.c', 'console', 'com10', 'a b.txt', 'żółć.txt', 'x'.repeat(259)])
    expect([name, isFilename(name)]).toEqual([name, true])
  for (const name of [
    'con',
    'Aux.txt',
    'LPT9.a',
    ' a',
    'a ',
    'a .txt',
    'a.',
    'a..txt',
    '..',
    'a^b',
    'a/b',
    'é'.repeat(130),
  ])
    expect([name, isFilename(name)]).toEqual([name, false])
})
