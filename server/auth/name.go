package auth

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxNameLength is in characters (Unicode code points), after normalization.
const maxNameLength = 100

// NormalizeName returns a person's name in NFC and without surrounding white
// space: 1 to 100 characters, at least one of them visible. An *InputError with
// code name_encoding, name_empty, name_long or name_character.
func NormalizeName(raw string) (string, error) {
	if !utf8.ValidString(raw) {
		return "", refuse("name_encoding", "the name is not valid UTF-8: send it as UTF-8 text")
	}
	name := norm.NFC.String(strings.TrimSpace(raw))
	if utf8.RuneCountInString(name) > maxNameLength {
		return "", refuse("name_long", "the name is too long: shorten it to 100 characters or fewer")
	}
	if !nameCharacters(name) {
		return "", refuse("name_character", "the name has a control, bidirectional or invisible character: type it anew")
	}
	if !strings.ContainsFunc(name, visible) {
		return "", refuse("name_empty", "the name is empty: give at least one visible character")
	}
	return name, nil
}

// nameCharacters takes visible characters, spaces of one line, variation
// selectors (emoji, Mongolian and Chinese variants), and joiners between two
// characters that are not joiners.
func nameCharacters(name string) bool {
	joiner := true // nothing to join before the first character
	for _, r := range name {
		switch {
		case r == zwj || r == zwnj:
			if joiner {
				return false
			}
			joiner = true
		case visible(r), unicode.Is(unicode.Zs, r), unicode.Is(unicode.Variation_Selector, r):
			joiner = false
		default:
			return false
		}
	}
	return !joiner || name == ""
}
