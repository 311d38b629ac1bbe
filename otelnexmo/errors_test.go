package otelnexmo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
)

// endless unwraps to itself.
type endless struct{}

func (endless) Error() string { return "endless" }
func (endless) Unwrap() error { return endless{} }

// incomparable cannot be a key of a map.
type incomparable []string

func (incomparable) Error() string { return "private words" }

func TestErrorTypeNamesNothingOfTheContent(t *testing.T) {
	t.Parallel()
	leaf := &fs.PathError{Op: "open", Path: "private words", Err: nil}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("private words"), "*errors.errorString"},
		{fmt.Errorf("private words: %w", leaf), "*fs.PathError"},
		{errors.Join(leaf, errors.New("private words")), "*fs.PathError"},
		{nexmo.Permanent(leaf), "*fs.PathError"},
		{fmt.Errorf("private words: %w", context.Canceled), "context.Canceled"},
		{fmt.Errorf("private words: %w", context.DeadlineExceeded), "context.DeadlineExceeded"},
		{nexmo.ErrClosed, "nexmo.ErrClosed"},
		{fmt.Errorf("private words: %w", &nexmo.APIError{Status: 404, Title: "private words"}), "404"},
		{&nexmo.PanicError{Value: errors.New("private words")}, "panic"},
		{&nexmo.DecodeError{}, "*nexmo.DecodeError"},
		{incomparable{"private words"}, "otelnexmo.incomparable"},
		{endless{}, "otelnexmo.endless"},
	} {
		if got := errorType(tt.err); got != tt.want {
			t.Errorf("%T: %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestPanicIsFound(t *testing.T) {
	t.Parallel()
	p := &nexmo.PanicError{Value: 1}
	for _, err := range []error{p, fmt.Errorf("x: %w", p), errors.Join(errors.New("x"), fmt.Errorf("x: %w", p))} {
		if panicOf(err) != p {
			t.Errorf("%T: not found", err)
		}
	}
	for _, err := range []error{nil, errors.New("x"), errors.Join(errors.New("x")), endless{}} {
		if panicOf(err) != nil {
			t.Errorf("%T: found", err)
		}
	}
}

//go:noinline
func stackOf(number int, _ string) string {
	if number > 0 {
		return string(debug.Stack())
	}
	return ""
}

func TestStackHasNoArguments(t *testing.T) {
	t.Parallel()
	const phone = 0x6fe0dbeef // an argument that is personal data
	stack := stackOf(phone, "private words")
	if !strings.Contains(stack, "0x6fe0dbeef") {
		t.Skip("this version of Go writes no arguments")
	}
	safe := safeStack([]byte(stack))
	if strings.Contains(safe, "0x") || strings.Contains(safe, "{") {
		t.Errorf("it has arguments:\n%s", safe)
	}
	for _, want := range []string{"otelnexmo.stackOf\n", "errors_test.go:", "otelnexmo.TestStackHasNoArguments\n", "goroutine "} {
		if !strings.Contains(safe, want) {
			t.Errorf("%q is not there:\n%s", want, safe)
		}
	}
	if got := safeStack([]byte("private words\n")); got != "" {
		t.Errorf("what is no stack became %q", got)
	}
	if long := safeStack([]byte(strings.Repeat(stack, 100))); len(long) > maxStack {
		t.Errorf("%d bytes, want at most %d", len(long), maxStack)
	}
}
