//go:build !linux

package chaos_test

import "syscall"

// diesWithUs does nothing: only Linux can tie the life of a program to ours.
func diesWithUs() *syscall.SysProcAttr { return nil }
