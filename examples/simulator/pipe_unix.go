//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// ignoreReaders has the program go on when nobody reads what it logs any more.
func ignoreReaders() { signal.Ignore(syscall.SIGPIPE) }
