package chaos_test

import "syscall"

// diesWithUs ends a program with this one, however this one ends.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
