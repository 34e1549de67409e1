package auth

import "unicode"

const (
	zwnj            = '\u200c' // zero-width non-joiner
	zwj             = '\u200d' // zero-width joiner
	replacementChar = '\ufffd' // what broken text is replaced with
	brailleBlank    = '\u2800' // a symbol without a mark
)

// visible tells whether r is an assigned letter, mark, number, punctuation or
// symbol that leaves a trace on paper. Spaces, controls, bidirectional controls,
// zero-width characters, Hangul fillers, unassigned and private code points are
// not; nor are variation selectors.
func visible(r rune) bool {
	return unicode.IsPrint(r) && r != ' ' && r != brailleBlank && r != replacementChar &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
