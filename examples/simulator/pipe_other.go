//go:build !unix

package main

// ignoreReaders does nothing: here no signal ends a program whose reader is gone.
func ignoreReaders() {}
