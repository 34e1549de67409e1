package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The data folder holds keys and passwords: it and its files are for their owner alone.
func TestTheDataFolderIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	d := startDev(t, dir)
	d.call(t, "POST", "/user/register", "", `{"userName":"Ada","email":"ada@example.com","password":"correct horse"}`)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v, want none for others", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	d.end(t)
	if warning := folderWarning(dir); warning != "" {
		t.Errorf("got the warning %q for a folder of its owner alone", warning)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // #nosec G302 -- that is the fault
		t.Fatal(err)
	}
	if warning := folderWarning(dir); !strings.Contains(warning, "run chmod 700 "+dir) {
		t.Errorf("got the warning %q, want it to say what to do", warning)
	}
}
