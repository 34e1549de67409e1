package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/nestpayments/nestpayments/server/auth"
)

// The files of the data folder, beside the two databases.
const (
	lockFile     = "lock"
	keyFile      = "signing-key.pem"
	settingsFile = "settings.json"
)

// adminEmail is the login of the ready-made admin. No mail can reach it.
const adminEmail = "admin@nestdev.test"

// folder is the data folder: what was made up at the first start and is kept.
type folder struct {
	// AdminPassword logs the ready-made admin in.
	AdminPassword string `json:"adminPassword"`
	// WebhookSecret signs the sandbox's webhooks.
	WebhookSecret string `json:"webhookSecret"`

	lock *flock.Flock
}

// openFolder makes the folder at the first start and takes it for this process
// alone.
func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	f := &folder{lock: flock.New(filepath.Join(dir, lockFile))}
	free, err := f.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if !free {
		return nil, fmt.Errorf("data folder %s: another nestdev is using it: stop that one, or choose another folder with --data-dir or DATA_DIR", dir)
	}
	if err := errors.Join(f.loadSettings(filepath.Join(dir, settingsFile)), ensureKey(filepath.Join(dir, keyFile))); err != nil {
		return nil, errors.Join(fmt.Errorf("data folder: %w", err), f.Close())
	}
	return f, nil
}

// folderWarning says what to do if other users of this machine can open the folder, which is
// made for its owner alone.
func folderWarning(dir string) string {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return "other users of this machine can open the data folder, which holds keys and passwords: run chmod 700 " + dir
}

// Close lets the folder go.
func (f *folder) Close() error { return f.lock.Unlock() }

// loadSettings reads what the first start made up, or is the first start.
func (f *folder) loadSettings(path string) error {
	text, err := os.ReadFile(path) // #nosec G304 -- the data folder
	if errors.Is(err, fs.ErrNotExist) {
		f.AdminPassword, f.WebhookSecret = rand.Text(), "whsec_"+rand.Text()
		if text, err = json.MarshalIndent(f, "", "  "); err != nil {
			return err
		}
		return os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, f); err != nil {
		return fmt.Errorf("read %s: delete the folder to start over: %w", path, err)
	}
	return nil
}

func ensureKey(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return auth.GenerateKey(path)
}
