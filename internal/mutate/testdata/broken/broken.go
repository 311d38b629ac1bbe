// Package broken has a test that fails.
package broken

// Double returns 2n.
func Double(n int) int { return n + n }
