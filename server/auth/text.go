package auth

import (
	"regexp"
	"unicode"
)

// harmful lists the code points that hide text, reorder it, end a line or control a
// terminal. The list is fixed, so it does not depend on the Unicode version of the
// Go release: a letter that Unicode adds later is not harmful today.
//
// Sources: Unicode Standard Annex #9 (bidi controls) and #44
// (Default_Ignorable_Code_Point, whose reserved ranges are included); Unicode
// Technical Standard #39, section 3.1.
var harmful = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0000, 0x001f, 1}, // C0 controls
		{0x007f, 0x009f, 1}, // delete and C1 controls
		{0x00ad, 0x00ad, 1}, // soft hyphen
		{0x115f, 0x1160, 1}, // Hangul fillers
		{0x17b4, 0x17b5, 1}, // invisible Khmer vowels
		{0x180e, 0x180e, 1}, // Mongolian vowel separator
		{0x200b, 0x200b, 1}, // zero-width space
		{0x2028, 0x202e, 1}, // line and paragraph separators, bidi embeddings and overrides
		{0x2060, 0x206f, 1}, // word joiner, invisible operators, bidi isolates, deprecated format characters
		{0x2800, 0x2800, 1}, // braille blank
		{0x3164, 0x3164, 1}, // Hangul filler
		{0xe000, 0xf8ff, 1}, // private use
		{0xfeff, 0xfeff, 1}, // byte order mark
		{0xffa0, 0xffa0, 1}, // half-width Hangul filler
		{0xfff0, 0xfffd, 1}, // reserved, annotations, object replacement, broken text
	},
	R32: []unicode.Range32{
		{0x1bca0, 0x1bca3, 1},  // shorthand format controls
		{0x1d173, 0x1d17a, 1},  // musical format controls
		{0xe0000, 0xe00ff, 1},  // tags, outside of emoji tag sequences
		{0xe01f0, 0xe0fff, 1},  // reserved for invisible characters
		{0xf0000, 0x10fffd, 1}, // private use
	},
}

// isHarmful reports whether a name must not contain r.
func isHarmful(r rune) bool { return unicode.In(r, harmful, unicode.Noncharacter_Code_Point) }

// leavesMark reports whether r shows something: it is not harmful, a space, a joiner,
// a direction mark or a variation selector.
func leavesMark(r rune) bool {
	return !isHarmful(r) && !unicode.In(r, unicode.Zs, unicode.Variation_Selector) && !isJoiner(r) && !isDirectionMark(r)
}

// graphemeJoiner is the combining grapheme joiner. Hebrew needs it between two
// marks, and other text between two letters, to keep them apart.
const graphemeJoiner = '\u034f'

// isJoiner reports whether r is invisible and acts on the characters around it.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' || r == graphemeJoiner }

// emojiTags matches an emoji tag sequence: a black flag, tag characters and the
// end tag. Fonts show the flags of England, Scotland and Wales for three of them.
// Source: Unicode Technical Standard #51, section 1.4.6 and annex C.
var emojiTags = regexp.MustCompile(`\x{1F3F4}[\x{E0020}-\x{E007E}]+\x{E007F}`)

// withoutEmojiTags returns text with the flag alone in place of each emoji tag
// sequence, so that every tag character left is a stray one.
func withoutEmojiTags(text string) string {
	return emojiTags.ReplaceAllLiteralString(text, "\U0001F3F4")
}

// isDirectionMark reports whether r is one of the marks that right-to-left text
// needs beside digits and punctuation. They affect their neighbors only, unlike
// embeddings, overrides and isolates.
func isDirectionMark(r rune) bool { return r == '\u200e' || r == '\u200f' || r == '\u061c' }
