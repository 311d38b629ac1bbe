package nexmo

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fillEvery gives every field within v a value of its own, and calls leaf with the
// path of each. A new kind of field needs a rule here.
func fillEvery(t *testing.T, v reflect.Value, path string, n *int, leaf func(path string, v reflect.Value)) {
	t.Helper()
	*n++
	text := fmt.Sprint("value ", *n)
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(int64(*n), 0).UTC()))
		leaf(path, v)
		return
	case reflect.TypeFor[Raw]():
		v.SetString(fmt.Sprintf(`{"value":%d}`, *n))
		leaf(path, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for f, field := range v.Fields() {
			fillEvery(t, field, path+"."+f.Name, n, leaf)
		}
		return
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillEvery(t, v.Elem(), path, n, leaf)
		return
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fillEvery(t, v.Index(i), fmt.Sprintf("%s[%d]", path, i), n, leaf)
		}
		return
	case reflect.Map:
		v.Set(reflect.ValueOf(Headers{text: text + " of a header"}))
	case reflect.String:
		v.SetString(text)
	case reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(True))
	default:
		t.Fatalf("%s: no rule for a %s", path, v.Type())
	}
	leaf(path, v)
}

func filledChannel(t *testing.T, leaf func(path string, v reflect.Value)) *Channel {
	t.Helper()
	c, n := new(Channel), 0
	fillEvery(t, reflect.ValueOf(c).Elem(), "Channel", &n, leaf)
	return c
}

// merged returns n with what only old tells, as the state of a member does it.
func merged(old, n *Channel) *Channel {
	c := *n
	fillChannel(&c, string(packChannel(nil, old)))
	return &c
}

// TestNoFieldOfAChannelIsLost: packing, comparing and merging know every field of
// Channel, Endpoint and Leg, also those that are added later.
func TestNoFieldOfAChannelIsLost(t *testing.T) {
	t.Parallel()
	var paths []string
	full := filledChannel(t, func(path string, _ reflect.Value) { paths = append(paths, path) })
	packed := string(packChannel(nil, full))
	if diff := cmp.Diff(full, unpackChannel(packed)); diff != "" {
		t.Errorf("-packed +unpacked:\n%s", diff)
	}
	if !hasChannel(packed, full) {
		t.Error("hasChannel is false of what was packed")
	}
	if diff := cmp.Diff(full, merged(full, &Channel{})); diff != "" {
		t.Errorf("merged with nothing new (-old +got):\n%s", diff)
	}
	if diff := cmp.Diff(full, merged(&Channel{}, full)); diff != "" {
		t.Errorf("merged into nothing (-new +got):\n%s", diff)
	}
	old := &Channel{From: &Endpoint{Type: full.From.Type}, To: &Endpoint{Type: full.To.Type}}
	ends := &Channel{From: full.From, To: full.To}
	for name, got := range map[string]*Channel{"old": merged(ends, old), "new": merged(old, ends)} {
		if diff := cmp.Diff(ends, got); diff != "" {
			t.Errorf("ends of which the %s is the full one (-want +got):\n%s", name, diff)
		}
	}
	for _, changed := range paths {
		other := filledChannel(t, func(path string, v reflect.Value) {
			switch {
			case path != changed:
			case v.Kind() == reflect.Map:
				v.Set(reflect.ValueOf(Headers{"other": "header"}))
			case v.Kind() == reflect.String:
				v.SetString("other " + v.String())
			case v.Kind() == reflect.Int64:
				v.SetInt(-v.Int())
			default:
				v.SetUint(uint64(False))
			}
		})
		if hasChannel(packed, other) {
			t.Errorf("%s: hasChannel does not see that it is another", changed)
		}
		if diff := cmp.Diff(other, merged(full, other)); diff != "" {
			t.Errorf("%s: merged over another (-new +got):\n%s", changed, diff)
		}
	}
	t.Log(len(paths), "fields")
}
