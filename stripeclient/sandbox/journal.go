package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// journal is the state file: one line of JSON per transaction, appended before
// the answer is sent. A transaction is one write(2), so the death of the
// process loses nothing that was answered and at worst tears the last line,
// which was not. It is not synced to the disk: the death of the machine may
// lose the last seconds.
//
// The zero journal writes nowhere.
type journal struct {
	file   *os.File
	size   int64
	broken error
}

var errClosed = errors.New("closed")

// append writes one transaction. If it fails, the file is as it was before.
func (j *journal) append(changes []change) error {
	if j.broken != nil {
		return j.broken
	}
	if j.file == nil {
		return nil
	}
	line, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	n, err := j.file.Write(append(line, '\n'))
	if err != nil {
		// A line behind half a line could not be read again.
		j.broken = j.file.Truncate(j.size)
		return err
	}
	j.size += int64(n)
	return nil
}

func (j *journal) close() error {
	j.broken = errClosed
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// readJournal hands every change in the file to load, in order. A file that
// does not exist is empty. A last line that cannot be read was torn by the
// death of its writer and is left out; any other is an error.
func readJournal(path string, load func(change) error) error {
	file, err := os.Open(path) // #nosec G304 -- the operator's path
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	reader := bufio.NewReaderSize(file, 1<<20)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // what has no end of line was never answered
		}
		if err != nil {
			return err
		}
		var changes []change
		if err := json.Unmarshal(line, &changes); err != nil {
			if _, err := reader.Peek(1); errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("%s, line %d: %w", path, number, err)
		}
		for _, c := range changes {
			if err := load(c); err != nil {
				return fmt.Errorf("%s, line %d: %w", path, number, err)
			}
		}
	}
}

// rewriteJournal replaces the file by one that holds just the present rows. At
// every moment path is either the old file or the new one.
func rewriteJournal(path string, tables []rows) (*journal, error) {
	var all bytes.Buffer
	encoder := json.NewEncoder(&all)
	for _, t := range tables {
		changes, err := t.all()
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if err := encoder.Encode([]change{c}); err != nil {
				return nil, err
			}
		}
	}
	// The state holds client secrets and customers' addresses: owner only.
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600) // #nosec G304 -- the operator's path
	if err != nil {
		return nil, err
	}
	_, err = file.Write(all.Bytes())
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &journal{file: file, size: int64(all.Len())}, nil
}
