package nexmo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// On registers fn for the events whose body is a B, such as *[MemberJoined]: the
// type of the body names the type of the event. For an event of that type whose body
// is not an object, fn is not called: the error of the handler is a [*DecodeError] that matches
// [ErrPermanent].
//
// B may also be *[Custom] or *[RawBody], for all events with such a body, or
// [Body], for all events. On panics if fn is nil.
func On[B Body](r Registrar, fn func(ctx context.Context, e *Event, body B) error) (off func()) {
	if fn == nil {
		panic("nexmo: On: the handler is nil")
	}
	var zero B
	t := EventAny
	if any(zero) != nil {
		t = zero.EventType()
	}
	one := !t.pattern()
	return onFunc(r, t, fn, func(ctx context.Context, e *Event) error {
		body, ok := e.Body.(B)
		if ok {
			return fn(ctx, e, body)
		}
		if one {
			return wrongBody(e)
		}
		return nil
	})
}

// OnCustom registers fn for custom:<name>, whose body encoding/json decodes
// into a T, anew for each event and handler. For a body that does not fit, fn is not
// called: the error of the handler is a [*DecodeError] that matches [ErrPermanent].
// name may be the whole type, with "custom:" in front. OnCustom panics if fn is nil.
func OnCustom[T any](r Registrar, name string, fn func(ctx context.Context, e *Event, body *T) error) (off func()) {
	if fn == nil {
		panic("nexmo: OnCustom: the handler is nil")
	}
	return onFunc(r, (&Custom{Name: customNameOf(name)}).EventType(), fn, func(ctx context.Context, e *Event) error {
		body, ok := e.Body.(*Custom)
		if !ok {
			return wrongBody(e)
		}
		v := new(T)
		if err := body.JSON.orEmptyObject().Decode(v); err != nil {
			return unfit(e, &unfitError{err, reflect.TypeFor[T]()})
		}
		return fn(ctx, e, v)
	})
}

// onFunc registers h, which was made of fn, so that a trace can name fn.
func onFunc(r Registrar, t EventType, fn any, h Handler) (off func()) {
	switch r := r.(type) {
	case *EventDispatcher:
		return r.onFunc(t, h, fn)
	case *Conversation:
		return r.onFunc(t, h, fn)
	case *Application:
		return r.onFunc(t, h, fn)
	default: // it may be one of those with an On of its own
		return r.On(t, h)
	}
}

func wrongBody(e *Event) error {
	raw, ok := e.Body.(*RawBody)
	switch {
	case ok && raw.Err != nil:
		return unfit(e, raw.Err)
	case e.Body == nil:
		return unfit(e, errors.New("it has no Body"))
	default:
		return unfit(e, fmt.Errorf("its Body is a %T", e.Body))
	}
}

// unfit returns the error of a handler for e that needs another body: no retry of e
// makes the handler succeed.
func unfit(e *Event, err error) error {
	return &permanentError{err: &DecodeError{Type: e.Type, Err: err}, event: e}
}

// unfitError says why JSON does not fit a type of the user, without any of the
// values, which the message of the error from encoding/json may hold.
type unfitError struct {
	err  error
	into reflect.Type
}

func (u *unfitError) Error() string {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](u.err); ok {
		found, _, _ := strings.Cut(t.Value, " ") // "number 12": the rest is the value
		path := "body"
		if into := u.into; t.Field != "" && (into.Kind() == reflect.Struct || into.Kind() == reflect.Pointer && into.Elem().Kind() == reflect.Struct) {
			// What follows the first field may be a key of a map, which is content.
			field, _, _ := strings.Cut(t.Field, ".")
			path += "." + field
		}
		return fmt.Sprintf("%s: want %s, found %s", path, t.Type, found)
	}
	return fmt.Sprintf("the body does not fit (%T)", u.err)
}

func (u *unfitError) Unwrap() error { return u.err }
