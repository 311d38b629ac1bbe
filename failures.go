package nexmo

import (
	"errors"
	"strings"
)

// failure is a handler that has failed to handle an event.
type failure struct {
	reg *registration
	err error
}

// failures are the handlers of one event that failed, in the order in which they were
// called.
type failures []failure

// errHandlerExited is the error of a handler that ended its goroutine with
// runtime.Goexit, as t.FailNow does, and of those that would have followed it.
var errHandlerExited = errors.New("nexmo: a handler ended its goroutine")

// outcome returns what Deliver returns when these handlers failed to handle e: nil if
// there are none, and an error that matches [ErrPermanent] if no retry of e makes any of
// them succeed.
func (f failures) outcome(e *Event) error {
	if len(f) == 0 {
		return nil
	}
	err := &handlerErrors{f}
	if permanentFor(err, e) {
		return &permanentError{err: err, event: e}
	}
	for i := range f {
		f[i].err = retryable(f[i].err)
	}
	return err
}

// registrations returns which handlers failed.
func (f failures) registrations() []*registration {
	regs := make([]*registration, len(f))
	for i, one := range f {
		regs[i] = one.reg
	}
	return regs
}

// handlerErrors is failures as an error, which reads like that of errors.Join.
type handlerErrors struct{ failures }

func (h *handlerErrors) Error() string {
	var b strings.Builder
	for i, one := range h.failures {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(one.err.Error())
	}
	return b.String()
}

// Unwrap returns the errors of the handlers.
func (h *handlerErrors) Unwrap() []error {
	errs := make([]error, len(h.failures))
	for i, one := range h.failures {
		errs[i] = one.err
	}
	return errs
}

// retryable returns err so that it does not match [ErrPermanent]: it is the error of an
// event that is to be delivered again, or is about another event.
func retryable(err error) error {
	if !errors.Is(err, ErrPermanent) {
		return err
	}
	return &retryableError{err}
}

// retryableError hides the mark of [Permanent]. It has no Unwrap method, which would show it.
type retryableError struct{ err error }

func (r *retryableError) Error() string { return r.err.Error() }

func (r *retryableError) Is(target error) bool {
	return target != ErrPermanent && errors.Is(r.err, target)
}

func (r *retryableError) As(target any) bool { return errors.As(r.err, target) }
