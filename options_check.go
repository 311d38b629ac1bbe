package nexmo

import (
	"fmt"
	"reflect"
)

// checkOptions panics if one of the options is nil: a mistake of the program, which
// would otherwise surface far from where it was made.
func checkOptions[T any](constructor string, opts []T) {
	for i, o := range opts {
		if isNil(o) {
			panic(fmt.Sprintf("nexmo: %s: option %d is nil", constructor, i+1))
		}
	}
}

// isNil reports whether v is nil, or an interface that holds a nil pointer or function.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Func, reflect.Pointer, reflect.Interface, reflect.Map, reflect.Chan, reflect.Slice:
		return r.IsNil()
	default:
		return false
	}
}
