package auth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// keySource is where a key came from: a file, or memory.
type keySource struct {
	name string
	data []byte
	err  error // of reading data
}

// readKeySource reads item number n of a list of keys: a PEM text, or the path of a
// file. Its name and its error repeat the item only if such a file exists: anything else
// may be a key in a form that is not supported.
func readKeySource(n int, item string) keySource {
	if strings.Contains(item, "-----BEGIN ") {
		return keySource{name: fmt.Sprintf("key %d", n), data: []byte(item)}
	}
	if _, err := os.Stat(item); err != nil {
		return keySource{
			name: fmt.Sprintf("item %d", n),
			err:  fmt.Errorf("is neither an existing file nor a PEM text: %w: write the path of a PEM file, or its text", withoutPath(err)),
		}
	}
	data, err := os.ReadFile(item) // #nosec G304 -- the operator's path
	if err != nil {
		err = fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	return keySource{name: "key file " + item, data: data, err: err}
}

// withoutPath returns the cause of an error about a file, without the name of the file.
func withoutPath(err error) error {
	var about *fs.PathError
	if errors.As(err, &about) {
		return about.Err
	}
	return err
}
