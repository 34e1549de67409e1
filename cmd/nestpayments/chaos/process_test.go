package chaos_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a program that runs.
type process struct {
	name string
	cmd  *exec.Cmd
	// address is where it listens, once it has said so.
	address string
	serving chan struct{}
	// ended tells that we made it stop; gone is closed when it has.
	ended atomic.Bool
	gone  chan struct{}
	err   error
}

// launch starts a program. tell sees every line that it writes, in order, and
// returns the address when a line says where it serves.
func launch(name string, cmd *exec.Cmd, tell func(line string) (address string)) (*process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	cmd.Stdout, cmd.Stderr = write, write
	cmd.SysProcAttr = diesWithUs()
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), read.Close())
	}
	p := &process{name: name, cmd: cmd, serving: make(chan struct{}), gone: make(chan struct{})}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer read.Close()
		lines := bufio.NewReader(read)
		for {
			line, err := lines.ReadString('\n')
			if line != "" {
				if address := tell(line); address != "" && p.address == "" {
					p.address = address
					close(p.serving)
				}
			}
			if err != nil {
				return
			}
		}
	})
	go func() {
		reading.Wait()
		p.err = cmd.Wait()
		close(p.gone)
	}()
	return p, nil
}

// errDied: the program ended before it was told to.
var errDied = errors.New("died of itself")

// await waits until the program serves. errDied.
func (p *process) await(ctx context.Context) error {
	select {
	case <-p.serving:
		return nil
	case <-p.gone:
		return fmt.Errorf("%s: %w: %w", p.name, errDied, p.err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// kill ends the program where it stands and waits for that.
func (p *process) kill() {
	p.ended.Store(true)
	_ = p.cmd.Process.Kill() // one that is gone needs no killing
	<-p.gone
}

// stop asks the program to end, as an orchestrator does, and returns how it
// ended.
func (p *process) stop(patience time.Duration) error {
	p.ended.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
		return p.err
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("%s: still there %s after SIGTERM", p.name, patience)
	}
}

// freeze stops the program for a while without ending it: a machine that is
// out of memory, a virtual machine that is moved.
func (p *process) freeze(ctx context.Context, d time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	pause(ctx, d)
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}

// pause waits, and not beyond the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
