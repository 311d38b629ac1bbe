package otelnexmo

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/conversation-events/nexmo"
)

// sentinels are errors that their Go type does not tell apart.
var sentinels = map[error]string{
	context.Canceled:         "context.Canceled",
	context.DeadlineExceeded: "context.DeadlineExceeded",
	nexmo.ErrClosed:          "nexmo.ErrClosed",
}

// maxDepth bounds how far an error is unwrapped.
const maxDepth = 64

// errorType names an error, by nothing that it contains: the status of an answer of the
// service, "panic", or the Go type of the innermost error, which the program has only so
// many of. Of several that were joined, the first one counts.
func errorType(err error) string {
	for range maxDepth {
		var next error
		switch e := err.(type) { //nolint:errorlint // it looks at every error of the chain
		case *nexmo.PanicError:
			return "panic"
		case *nexmo.APIError:
			return strconv.Itoa(e.Status)
		case *nexmo.DecodeError:
			return "*nexmo.DecodeError"
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				next = all[0]
			}
		case interface{ Unwrap() error }:
			next = e.Unwrap()
		}
		if next == nil {
			break
		}
		err = next
	}
	for sentinel, name := range sentinels {
		if err == sentinel { //nolint:errorlint // it is the innermost one
			return name
		}
	}
	return fmt.Sprintf("%T", err)
}

// panicOf returns the first panic of err, or nil.
func panicOf(err error) *nexmo.PanicError {
	for range maxDepth {
		switch e := err.(type) { //nolint:errorlint // it looks at every error of the chain
		case *nexmo.PanicError:
			return e
		case interface{ Unwrap() []error }:
			for _, part := range e.Unwrap() {
				if p := panicOf(part); p != nil {
					return p
				}
			}
			return nil
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			return nil
		}
	}
	return nil
}

// maxStack bounds the stack of a panic, in bytes.
const maxStack = 16 << 10

// safeStack returns a stack as debug.Stack writes it without the arguments of the functions, which
// may be content: a number that a handler was given is readable there.
func safeStack(stack []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(stack)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "\t"): // file:line +0x1d
			line, _, _ = strings.Cut(line, " +0x")
		case strings.HasPrefix(line, "goroutine ") || strings.HasPrefix(line, "created by "):
		default:
			if i := strings.LastIndexByte(line, '('); i >= 0 {
				line = line[:i]
			} else {
				continue // nothing that debug.Stack is known to write
			}
		}
		if b.Len()+len(line) >= maxStack {
			break
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}
