package nexmo

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// What the documentation says the service refuses is not sent to it.

// invalidError says which part of a request is invalid, and why. It matches
// [ErrInvalid].
type invalidError struct {
	op, field, reason string
	err               error // or nil
}

func (e *invalidError) Error() string { return "nexmo: " + e.op + ": " + e.field + ": " + e.reason }

func (e *invalidError) Unwrap() error { return e.err }

func (e *invalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(op, field, reason string, args ...any) error {
	return &invalidError{op, field, fmt.Sprintf(reason, args...), nil}
}

// checker collects the first thing that is wrong with a request.
type checker struct {
	op  string
	err error
}

func (c *checker) fail(field, reason string, args ...any) {
	if c.err == nil {
		c.err = invalid(c.op, field, reason, args...)
	}
}

func (c *checker) require(field, text string) {
	if text == "" {
		c.fail(field, "it is empty")
	}
}

// length checks that a text has no more than so many characters.
func (c *checker) length(field, text string, most int) {
	if len(text) > most && utf8.RuneCountInString(text) > most {
		c.fail(field, "it is longer than %d characters", most)
	}
}

// match checks a text that is not empty.
func (c *checker) match(field, text string, pattern *regexp.Regexp, like string) {
	if text != "" && !pattern.MatchString(text) {
		c.fail(field, "it is not like %s", like)
	}
}

func (c *checker) between(field string, v, least, most float64) {
	if !(v >= least && v <= most) {
		c.fail(field, "it must be %g to %g", least, most)
	}
}

// The limits that several resources share.
const (
	maxName        = 100
	maxDisplayName = 50
	maxURL         = 2048
	maxType        = 100  // of an event
	maxCustom      = 4096 // bytes of the body of an event of the application's own
	maxWord        = 200  // types, reasons, members, URIs of endpoints
	maxTTL         = 1 << 31
)

// seconds checks a duration that the service takes in whole seconds.
func (c *checker) seconds(field string, d Seconds, most float64) {
	c.between(field, d.Duration().Seconds(), 0, most)
	if d.Duration()%time.Second != 0 {
		c.fail(field, "it must be whole seconds")
	}
}

var (
	customTypePattern = regexp.MustCompile(`^custom:[\w\-:]+$`)
	digitsPattern     = regexp.MustCompile(`^[0-9a-dA-D#*pP]{1,45}$`)
	sipPattern        = regexp.MustCompile(`^(sip|sips):\+?([\w|:.\-@;,=%&]+)`)
	websocketPattern  = regexp.MustCompile(`^(ws|wss)://`)
)

// eventTypes checks the types that a list is limited to.
func (c *checker) eventTypes(field string, types []EventType) {
	if len(types) > 5 {
		c.fail(field, "there are %d, the service takes 5", len(types))
	}
	for _, t := range types {
		switch {
		case t == "" || strings.Contains(string(t), ","):
			c.fail(field, "it must be one type an entry")
		case t.Family() == customFamily:
			c.fail(field, "the service does not filter by types of the application's own")
		}
	}
}
